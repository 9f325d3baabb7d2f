package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence/template"
)

type newOptions struct {
	template.Options
	output string
	force  bool
}

func newSequenceNew(a *app) *cobra.Command {
	var o newOptions
	c := &cobra.Command{Use: "new install|capture|custom", Short: "Write a new task sequence as YAML, to begin with",
		Long: "Write a task sequence to begin with, as YAML with comments: install an existing image (which captures and restores\n" +
			"user state where there is any), build and capture a reference image, or a custom one. Steps that this version\n" +
			"cannot run yet are disabled. Nothing is put in place: that is what apply does.",
		Example: "  bootward sequence new install --name \"Ward PC\" --image debian-12 --boot-image linux-x64 -o ward.yaml\n" +
			"  bootward sequence new install --domain ward.example.org --account 'WARD\\join' --secret join-password\n" +
			"  bootward sequence new custom | bootward sequence lint -",
		Args: exactly("install|capture|custom"), ValidArgsFunction: words("install", "capture", "custom"),
		RunE: func(_ *cobra.Command, args []string) error { return runSequenceNew(a, o, args[0]) }}
	f := c.Flags()
	f.StringVar(&o.Name, "name", "", "name of the task sequence")
	f.StringVar(&o.Image, "image", "", "name of the Image that is applied (default debian-12)")
	f.StringVar(&o.BootImage, "boot-image", "", "name of the BootImage that runs it (default linux-x64; custom: none)")
	f.StringVar(&o.Workgroup, "workgroup", "", "workgroup (default WORKGROUP)")
	f.StringVar(&o.Domain, "domain", "", "domain to join, instead of a workgroup")
	f.StringVar(&o.OU, "ou", "", "organizational unit in the domain")
	f.StringVar(&o.Account, "account", "", "account that joins machines to the domain")
	f.StringVar(&o.Secret, "secret", "", "name of the Secret that is its password (default join-password)")
	f.StringVar(&o.Destination, "destination", "", "where a captured image goes, such as //server/images/ward.wim")
	f.StringVar(&o.CaptureAccount, "capture-account", "", "account that writes there")
	f.StringVar(&o.CaptureSecret, "capture-secret", "", "name of the Secret that is its password (default capture-password)")
	f.StringVarP(&o.output, "output", "o", "", "file to write (default the output)")
	f.BoolVar(&o.force, "force", false, "replace the file if it is there")
	complete(c, "image", a.names(osd.KindImage))
	complete(c, "boot-image", a.names(osd.KindBootImage))
	complete(c, "secret", a.names(osd.KindSecret))
	complete(c, "capture-secret", a.names(osd.KindSecret))
	return c
}

func runSequenceNew(a *app, o newOptions, kind string) error {
	b, err := template.New(template.Kind(kind), o.Options)
	if err != nil {
		return &usageError{fmt.Errorf("new: %w", err)}
	}
	if a.json {
		return a.print(map[string]string{"yaml": string(b)}, nil)
	}
	return a.written(o.output, o.force, b, "lint and simulate it, then: bootward apply -f "+cmp.Or(o.output, "FILE"))
}

// written writes a file and says so; to the output, nothing more is said.
func (a *app) written(path string, force bool, b []byte, next string) error {
	if err := a.writeFile(path, force, b); err != nil || path == "" || path == "-" {
		return err
	}
	_, err := io.WriteString(a.err, fmt.Sprintf("%s is written: %s\n", path, next))
	return err
}
