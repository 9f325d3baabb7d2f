package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	yaml "go.yaml.in/yaml/v4"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/tsxml"
)

type sequenceImportOptions struct {
	name, bootImage, output string
	force, withoutXML       bool
}

// importedSequence is what import says in JSON.
type importedSequence struct {
	YAML     string          `json:"yaml"`
	Warnings []importWarning `json:"warnings"`
}

// importWarning is a tsxml.Warning.
type importWarning struct {
	Line int    `json:"line"`
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
}

func newSequenceImport(a *app) *cobra.Command {
	var o sequenceImportOptions
	c := &cobra.Command{Use: "import FILE.xml", Short: "Make YAML of a task sequence in XML, as Configuration Manager exports it",
		Long: "Make YAML of a task sequence in XML. What this version does not know or cannot run is kept, and told of with the\n" +
			"line of the XML. Nothing is put in place: look at it with lint, and give it to apply.",
		Example: "  bootward sequence import ward.xml --boot-image linux-x64 -o ward.yaml\n  bootward sequence import - <ts.xml | bootward sequence lint -",
		Args:    exactly("FILE.xml"), ValidArgsFunction: xmlFiles,
		RunE: func(_ *cobra.Command, args []string) error { return runSequenceImport(a, o, args[0]) }}
	c.Flags().StringVar(&o.name, "name", "", "name of the task sequence (default: that of the XML, else of the file)")
	c.Flags().StringVar(&o.bootImage, "boot-image", "", "name of the BootImage that runs it")
	c.Flags().StringVarP(&o.output, "output", "o", "", "file to write (default the output)")
	c.Flags().BoolVar(&o.force, "force", false, "replace the file if it is there")
	c.Flags().BoolVar(&o.withoutXML, "without-xml", false, "keep none of the XML in the YAML: export then writes what the YAML says")
	complete(c, "boot-image", a.names(osd.KindBootImage))
	return c
}

// xmlFiles completes with files of XML.
func xmlFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"xml"}, cobra.ShellCompDirectiveFilterFileExt
}

func runSequenceImport(a *app, o sequenceImportOptions, path string) error {
	res, err := a.importXML(path, o.name)
	if err != nil {
		return err
	}
	file, s := cmp.Or(strings.TrimSuffix(path, "-"), "standard input"), res.Sequence
	s.BootImage = cmp.Or(o.bootImage, s.BootImage)
	out, err := importedYAML(s, o.withoutXML)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if _, err := document.Decode(cmp.Or(o.output, "YAML of "+file), out); err != nil {
		return fmt.Errorf("%s was read, and what it gives cannot be applied:\n%w", file, err)
	}
	if a.json {
		answer := importedSequence{string(out), []importWarning{}}
		for _, w := range res.Warnings {
			answer.Warnings = append(answer.Warnings, importWarning(w))
		}
		return a.print(answer, nil)
	}
	if err := a.written(o.output, o.force, out, fmt.Sprintf("%d groups and steps, %d warnings; next: bootward sequence lint %s", len(s.Flatten()), len(res.Warnings), o.output)); err != nil {
		return err
	}
	for _, w := range res.Warnings {
		where := fmt.Sprintf("%s:%d: ", file, w.Line)
		if w.Path != "" {
			where += w.Path + ": "
		}
		if _, err := fmt.Fprintf(a.err, "WARNING: %s\n", plain(where+w.Text)); err != nil {
			return err
		}
	}
	return nil
}

// importXML reads a sequence in XML. Without a name it has its own, or that of the file.
func (a *app) importXML(path, name string) (*tsxml.Result, error) {
	b, err := a.readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	file, fallback := path, strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if path == "-" {
		file, fallback = "standard input", "Imported task sequence"
	}
	res, err := tsxml.Import(bytes.NewReader(b), name)
	if err != nil && name == "" { // perhaps it has none of its own
		res, err = tsxml.Import(bytes.NewReader(b), fallback)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return res, nil
}

// importedYAML writes the sequence with the XML that it came from below the fields of each step,
// where it is in nobody's way, or without it.
func importedYAML(s *sequence.Sequence, withoutXML bool) ([]byte, error) {
	if withoutXML {
		s.Imported = ""
		s.Walk(func(_ string, n sequence.Node) {
			if n.Group != nil {
				n.Group.Imported = ""
			} else {
				n.Step.Common().Imported = ""
			}
		})
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	importedLast(&doc)
	var out bytes.Buffer
	err = writeNode(&out, osd.KindTaskSequence, &doc)
	return out.Bytes(), err
}

func importedLast(n *yaml.Node) {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "imported" {
			n.Content = append(slices.Delete(slices.Clone(n.Content), i, i+2), n.Content[i:i+2]...)
			break
		}
	}
	for _, c := range n.Content {
		importedLast(c)
	}
}
