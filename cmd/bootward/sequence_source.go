package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
)

// isFile says whether an argument is a file: it is -, it ends in .yaml, .yml or .xml, it holds a
// slash. Everything else is a name at the site, so that no file that happens to lie there is taken for one.
func isFile(arg string) bool {
	path, _ := fragment(arg)
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml", ".xml":
		return true
	}
	return path == "-" || strings.ContainsRune(path, filepath.Separator)
}

// fragment splits FILE#NAME, which chooses one of several sequences in a file.
func fragment(arg string) (path, name string) {
	for _, ext := range []string{".yaml#", ".yml#", "-#"} {
		if path, name, ok := strings.Cut(arg, ext); ok && (ext != "-#" || path == "") {
			return path + strings.TrimSuffix(ext, "#"), name
		}
	}
	return arg, ""
}

// placedIn reads the objects of a file, the files of a folder, or standard input.
func (a *app) placedIn(path string) ([]document.Placed, error) {
	docs, err := readDocuments(path, a.in)
	if err != nil {
		return nil, err
	}
	var all []document.Placed
	var wrong document.Errors
	for _, d := range docs {
		placed, err := document.DecodePlaced(d.File, []byte(d.YAML))
		if errs, ok := err.(document.Errors); ok {
			wrong = append(wrong, errs...)
		}
		all = append(all, placed...)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return all, nil
}

// finder gives a sequence by its name, nil if there is none.
type finder func(name string) *sequence.Sequence

// sequence reads the sequence that an argument means, and says where those that it runs are found: beside it.
func (a *app) sequence(ctx context.Context, arg string) (*sequence.Sequence, finder, error) {
	if !isFile(arg) {
		return a.sequenceOfSite(ctx, arg)
	}
	path, name := fragment(arg)
	if strings.EqualFold(filepath.Ext(path), ".xml") {
		res, err := a.importXML(path, "")
		if err != nil {
			return nil, nil, err
		}
		if n := len(res.Warnings); n > 0 {
			fmt.Fprintf(a.err, "%s: %d warnings, which `bootward sequence import` tells\n", path, n)
		}
		return res.Sequence, func(string) *sequence.Sequence { return nil }, nil
	}
	placed, err := a.placedIn(path)
	if err != nil {
		return nil, nil, err
	}
	var all []*sequence.Sequence
	for _, p := range placed {
		if s, ok := p.Object.(*sequence.Sequence); ok {
			all = append(all, s)
		}
	}
	find := func(name string) *sequence.Sequence {
		for _, s := range all {
			if strings.EqualFold(s.Name, name) {
				return s
			}
		}
		return nil
	}
	s, err := choose(path, name, all, find)
	return s, find, err
}

func choose(path, name string, all []*sequence.Sequence, find finder) (*sequence.Sequence, error) {
	switch {
	case name != "":
		if s := find(name); s != nil {
			return s, nil
		}
		return nil, fmt.Errorf("%s: it holds no task sequence %q", path, name)
	case len(all) == 0:
		return nil, fmt.Errorf("%s: it holds no task sequence", path)
	case len(all) > 1:
		return nil, &usageError{fmt.Errorf("%s: it holds %d task sequences: name one, such as %q", path, len(all), path+"#"+all[0].Name)}
	}
	return all[0], nil
}

func (a *app) sequenceOfSite(ctx context.Context, name string) (*sequence.Sequence, finder, error) {
	c, err := a.site()
	if err != nil {
		return nil, nil, fmt.Errorf("%q is taken for a name at the site (a file ends in .yaml or is written ./%s): %w", name, name, err)
	}
	get := func(name string) (*sequence.Sequence, error) {
		raw, err := c.Get(ctx, string(osd.KindTaskSequence), name)
		if err != nil {
			return nil, named(err, osd.KindTaskSequence, name)
		}
		var s sequence.Sequence
		return &s, json.Unmarshal(raw, &s)
	}
	s, err := get(name)
	return s, func(name string) *sequence.Sequence {
		inner, err := get(name)
		if err != nil {
			return nil
		}
		return inner
	}, err
}

// sequences completes with the names at the site and the files in the folder.
func (a *app) sequences(c *cobra.Command, args []string, start string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names, _ := a.names(osd.KindTaskSequence)(c, nil, start)
	if len(names) > 0 && !isFile(start) {
		for _, pattern := range []string{"*.yaml", "*.yml"} {
			files, _ := filepath.Glob(pattern) // the pattern is right
			for _, f := range files {
				names = append(names, cobra.CompletionWithDesc(f, "file"))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return yamlFiles(c, args, start)
}

// yamlFiles completes with files of YAML.
func yamlFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// writeFile writes what a verb made to a file, or to the output when none is given. A file that
// is there is only replaced when told.
func (a *app) writeFile(path string, force bool, b []byte) error {
	if path == "" || path == "-" {
		_, err := a.out.Write(b)
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if os.IsExist(err) {
		return fmt.Errorf("%s: the file is there already; --force replaces it", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
