package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/bootward/bootward/appliance"
	"github.com/bootward/bootward/rootfs/boot"
	"github.com/bootward/bootward/rootfs/network"
	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	config, token, board, resolv string
}

func serveCommand(log io.Writer) *cobra.Command {
	o := serveOptions{}
	c := &cobra.Command{
		Use: "serve", Short: "Run the box", Args: usageArgs(cobra.NoArgs),
		Example: "  bootwardd serve --config /etc/bootward/box.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			t := openTerminal(os.Stdin, c.OutOrStdout(), log)
			return errors.Join(runServe(c.Context(), o, t, logger(t.log)), t.restore())
		},
	}
	c.Flags().StringVar(&o.config, "config", boot.ConfigFile, "configuration of the box")
	c.Flags().StringVar(&o.token, "token-file", boot.TokenFile, "one-time enrolment token, deleted when it is used")
	c.Flags().StringVar(&o.board, "board", "", "name of the board, told to the site")
	c.Flags().StringVar(&o.resolv, "resolv", "/etc/resolv.conf", "where name servers of DHCP leases are written")
	return c
}

// runServe runs the box until ctx ends.
func runServe(ctx context.Context, o serveOptions, t terminal, log *slog.Logger) error {
	config, err := load(o.config)
	if err != nil {
		return err
	}
	made, err := buildTime()
	if err != nil {
		return err
	}
	box, err := appliance.New(ctx, appliance.Options{
		Config: config, Version: version, Board: o.board, Built: made, Clock: time.Now, Log: log, Console: t.console, In: t.keyboard, TokenFile: o.token,
		ConsumeSeed: func(name string) error { return consume(ctx, name) },
		Address: func(ctx context.Context, n appliance.Interface, log *slog.Logger) error {
			return keepAddress(ctx, n, o.resolv, log)
		},
	})
	if err != nil {
		return err
	}
	return errors.Join(box.Run(ctx), box.Close())
}

// consume deletes the token from the boot medium of our own firmware. Other
// hosts have no seed.
func consume(ctx context.Context, name string) error {
	if _, err := os.Stat(boot.SeedDir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return boot.ConsumeSeed(ctx, name)
}

func buildTime() (time.Time, error) {
	if built == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, built)
	if err != nil {
		return t, fmt.Errorf("the build time of this program is wrong: %w", err)
	}
	return t, nil
}

// keepAddress gives an interface its address: once if it is static, by a lease
// that is renewed otherwise.
func keepAddress(ctx context.Context, n appliance.Interface, resolv string, log *slog.Logger) error {
	if n.Address == appliance.AddressStatic {
		c := network.Config{Address: n.CIDR, Gateway: n.Gateway, DNS: n.DNS}
		if err := network.Configure(ctx, n.Name, c); err != nil {
			return err
		}
		if err := writeResolv(resolv, c, n.DNS); err != nil {
			return err
		}
		log.Info("address", "interface", n.Name, "address", n.CIDR.String())
		<-ctx.Done()
		return nil
	}
	client := &network.Client{Link: n.Name, Options: network.Options{Log: log}, Changed: func(l network.Lease) {
		if err := writeResolv(resolv, l.Config, l.DNS); err != nil {
			log.Warn("name servers not written", "error", err)
		}
	}}
	return client.Run(ctx)
}

func writeResolv(path string, c network.Config, dns []netip.Addr) error {
	if len(dns) == 0 {
		return nil
	}
	return network.WriteResolv(path, c)
}

// logger writes text on a terminal and JSON otherwise.
func logger(out io.Writer) *slog.Logger {
	if f, ok := out.(*os.File); ok && !isatty.IsTerminal(f.Fd()) {
		return slog.New(slog.NewJSONHandler(out, nil))
	}
	return slog.New(slog.NewTextHandler(out, nil))
}
