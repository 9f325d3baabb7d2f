package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/durable"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/trust"
)

type personCertificateOptions struct {
	out  string
	days int
}

func newPersonCertificate(a *app) *cobra.Command {
	var o personCertificateOptions
	c := &cobra.Command{Use: "certificate NAME -o FILE", Short: "Make a key here and a client certificate for it, good at the site and at boxes",
		Long:    "Make a key on this machine and a client certificate for it. FILE holds both; the key never leaves it.\nA context file uses it with a line `certificate: FILE`.",
		Example: "  bootward person certificate ben -o ben.pem --days 90", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runPersonCertificate(c.Context(), a, o, args[0]) }}
	c.Flags().StringVarP(&o.out, "out", "o", "", "file to write, mode 0600; must not exist")
	c.Flags().IntVar(&o.days, "days", 365, "how long it is good, 400 at most")
	c.ValidArgsFunction = a.names(osd.KindPerson)
	return c
}

func runPersonCertificate(ctx context.Context, a *app, o personCertificateOptions, name string) error {
	if o.out == "" {
		return &usageError{errors.New("person certificate: give the file to write with -o FILE")}
	}
	if o.days < 1 || o.days > maxCertificateDays {
		return &usageError{fmt.Errorf("person certificate: --days %d: give 1 to %d", o.days, maxCertificateDays)}
	}
	if err := mustBeNew(o.out); err != nil {
		return err
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	key, err := trust.NewKey()
	if err != nil {
		return err
	}
	csr, err := trust.NewCSR(key)
	if err != nil {
		return err
	}
	keyPEM, err := trust.MarshalKey(key)
	if err != nil {
		return err
	}
	got, err := s.PersonCertificate(ctx, name, api.PersonCSR{CSR: csr, Days: o.days})
	if err != nil {
		return named(err, osd.KindPerson, name)
	}
	if err := durable.Write(o.out, append([]byte(got.Certificate), keyPEM...), 0o600); err != nil {
		return err
	}
	path, err := filepath.Abs(o.out)
	if err != nil {
		return err
	}
	return a.print(got, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s holds key and certificate of %s, good until %s. To use it, write into the context file:\ncertificate: %s\n", o.out, plain(name), clock(got.NotAfter), path)
		return err
	})
}

// maxCertificateDays is the longest life of a person's certificate; the site
// refuses more.
const maxCertificateDays = int(trust.MaxPersonLife / (24 * time.Hour))

// mustBeNew refuses a file that exists: a key is never replaced by mistake. A
// folder that is not there is found out before the site issues anything.
func mustBeNew(file string) error {
	if d, err := os.Stat(filepath.Dir(file)); err != nil || !d.IsDir() {
		return fmt.Errorf("%s: there is no folder %s to write it into", file, filepath.Dir(file))
	}
	_, err := os.Stat(file)
	switch {
	case err == nil:
		return fmt.Errorf("%s: exists; give another name, or remove it first", file)
	case errors.Is(err, os.ErrNotExist):
		return nil
	}
	return err
}
