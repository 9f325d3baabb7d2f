package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/appliance"
	"github.com/bootward/bootward/board"
	"github.com/bootward/bootward/bootimg/firmware"
	"github.com/bootward/bootward/rootfs"
	"github.com/bootward/bootward/trust"
)

type firmwareOptions struct {
	kit, board, config, token, out, version, parameters string
}

func newFirmwareBuild(a *app) *cobra.Command {
	var o firmwareOptions
	c := &cobra.Command{Use: "build", Short: "Make the disk image that a box boots from, by BIOS and by UEFI",
		Example: "  bootward firmware build --board qemu-x86_64 --box-config box.yaml --enrol-token enrol.token -o box.img",
		Args:    exactly(),
		RunE:    func(c *cobra.Command, _ []string) error { return runFirmwareBuild(c.Context(), a, o) }}
	c.Flags().StringVar(&o.kit, "kit", "build/kit", "the kit that it is assembled from")
	c.Flags().StringVar(&o.board, "board", "", fmt.Sprintf("hardware profile: one of %v", board.Names()))
	c.Flags().StringVar(&o.config, "box-config", "", "box.yaml to put on the disk")
	c.Flags().StringVar(&o.token, "enrol-token", "", "file with the box's one-time token; the box removes it once used")
	c.Flags().StringVarP(&o.out, "output", "o", "box.img", "disk image to write")
	c.Flags().StringVar(&o.version, "version-name", "", "version of the firmware (default: that of the kit)")
	c.Flags().StringVar(&o.parameters, "parameters", "", "further kernel parameters")
	complete(c, "board", words(board.Names()...))
	return c
}

func runFirmwareBuild(ctx context.Context, a *app, o firmwareOptions) error {
	if o.board == "" {
		return &usageError{fmt.Errorf("firmware build: give --board, one of %v", board.Names())}
	}
	b, err := board.Load(o.board)
	if err != nil {
		return err
	}
	options, err := firmwareSeeds(o)
	if err != nil {
		return err
	}
	kit, err := rootfs.OpenKit(o.kit)
	if err != nil {
		return err
	}
	made, err := firmware.Build(ctx, kit, b, options, o.out)
	if err != nil {
		return err
	}
	return a.print(built{o.out, made.Size, made.Artifacts.Version, made.Artifacts.Release}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "firmware %s for %s: %s, kernel %s, UKI %s\n", made.Artifacts.Version, o.board, o.out,
			made.Artifacts.Release, bytesText(int64(len(made.Artifacts.UKI))))
		return err
	})
}

// firmwareSeeds reads what is put on the disk, and refuses what the box could
// not use: it would answer nobody, and that is better said here.
func firmwareSeeds(o firmwareOptions) (firmware.Options, error) {
	options := firmware.Options{Version: o.version, Parameters: o.parameters}
	var err error
	if options.BoxConfig, err = readSeed(o.config); err != nil {
		return options, err
	}
	if _, err := appliance.Parse(bytes.NewReader(options.BoxConfig)); err != nil {
		return options, fmt.Errorf("firmware build: %s: %w", o.config, err)
	}
	if options.EnrolToken, err = readSeed(o.token); err != nil {
		return options, err
	}
	if len(options.EnrolToken) > 0 {
		if _, err := trust.ParseToken(string(options.EnrolToken)); err != nil {
			return options, fmt.Errorf("firmware build: %s: %w", o.token, err)
		}
	}
	return options, nil
}

// built is the JSON answer of a build.
type built struct {
	File    string `json:"file"`
	Bytes   int64  `json:"bytes"`
	Version string `json:"version"`
	Kernel  string `json:"kernel"`
}

func readSeed(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("firmware build: %w", err)
	}
	if len(b) == 0 {
		return nil, errors.New("firmware build: " + file + ": is empty")
	}
	return b, nil
}
