package tool

import (
	"context"
	"path/filepath"
	"slices"
)

// Loader is a Runner that starts programs of a bundle through the bundle's own
// dynamic loader (ld.so(8)), for systems that have none of their own. Commands
// inside another root are passed on as they are.
type Loader struct {
	Runner  Runner
	Path    string // of ld-linux-x86-64.so.2
	Library string // folder of the libraries
	Bin     string // folder of the programs, for paths that are not absolute
}

// Run runs c by way of the loader.
func (l Loader) Run(ctx context.Context, c Command) error {
	if c.Root == "" {
		program := c.Path
		if !filepath.IsAbs(program) {
			program = filepath.Join(l.Bin, program)
		}
		c.Args = slices.Concat([]string{"--library-path", l.Library, program}, c.Args)
		c.Path = l.Path
	}
	return l.Runner.Run(ctx, c)
}
