package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	yaml "go.yaml.in/yaml/v4"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/client"
)

// verbs are those that every kind of object has.
func verbs(a *app, k osd.Kind) []*cobra.Command {
	word := word(k)
	them := plural(k)
	list := &cobra.Command{Use: "list", Short: "List the " + them, Example: "  bootward " + word + " list --json", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runList(c.Context(), a, k) }}
	show := &cobra.Command{Use: "show NAME", Aliases: []string{"get"}, Short: "Show one of the " + them + " as YAML, which apply takes", Example: fmt.Sprintf("  bootward %s show %q", word, exampleName(k)), Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runShow(c.Context(), a, k, args[0]) }}
	list.ValidArgsFunction = cobra.NoFileCompletions
	show.ValidArgsFunction = a.names(k)
	return []*cobra.Command{list, show, newDelete(a, k)}
}

// word is how the command line calls a kind.
func word(k osd.Kind) string { return k.Word() }

// plural is how people call objects of a kind.
func plural(k osd.Kind) string {
	return map[osd.Kind]string{osd.KindBox: "boxes", osd.KindComputer: "computers", osd.KindCollection: "collections", osd.KindTaskSequence: "task sequences",
		osd.KindAdvertisement: "advertisements", osd.KindImage: "images", osd.KindBootImage: "boot images", osd.KindPackage: "packages",
		osd.KindAssociation: "computer associations", osd.KindSettings: "settings of the site", osd.KindPerson: "persons", osd.KindSecret: "secrets"}[k]
}

// named makes an error about a thing that is not there speak of its name.
func named(err error, k osd.Kind, name string) error {
	var e *api.Error
	if !errors.As(err, &e) || e.Code != api.CodeNotFound || strings.HasSuffix(e.Object, `"`) { // the site named the object
		return err
	}
	return api.Errorf(e.Code, fmt.Sprintf("%s %q", k, name), "there is none of this name or id").WithRemedy("`bootward %s list` shows those that are there", word(k))
}

func exampleName(k osd.Kind) string {
	return map[osd.Kind]string{osd.KindBox: "ward7-box", osd.KindComputer: "ward7-pc1", osd.KindCollection: "Ward 7", osd.KindTaskSequence: "Ward PC, Debian 12",
		osd.KindAdvertisement: "Ward 7 gets Debian 12", osd.KindImage: "debian-12", osd.KindBootImage: "linux-x64", osd.KindPackage: "Bootward imaging tools",
		osd.KindAssociation: "ward7-pc1 to ward7-pc9", osd.KindSettings: osd.SettingsName, osd.KindPerson: "ben", osd.KindSecret: "join-password"}[k]
}

// shown are the fields of any object that a list prints.
type shown struct {
	osd.Meta
	osd.Content
	MACs                []string `json:"macs"`
	Members             []string `json:"members"`
	Sequence            string   `json:"sequence"`
	Source, Destination string
	Role                string      `json:"role"`
	Disabled            bool        `json:"disabled"`
	Rights              []osd.Right `json:"rights"`
}

func runList(ctx context.Context, a *app, k osd.Kind) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	if k == osd.KindBox {
		boxes, err := s.Boxes(ctx)
		if err != nil {
			return err
		}
		return a.print(boxes, func(w io.Writer) error { return printBoxes(w, boxes) })
	}
	l, err := s.List(ctx, string(k))
	if err != nil {
		return err
	}
	return a.print(l, func(w io.Writer) error {
		t := newTable("ID", "NAME", "DETAIL", "COMMENT")
		for _, raw := range l.Objects {
			var o shown
			if err := json.Unmarshal(raw, &o); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
			t.row(o.ID, o.Name, detail(k, o), o.Comment)
		}
		err := t.write(w)
		for _, name := range slices.Sorted(maps.Keys(l.Warnings)) {
			err = errors.Join(err, printWarnings(w, "", l.Warnings[name]))
		}
		return err
	})
}

// printWarnings prints a line for each, behind a prefix.
func printWarnings(w io.Writer, prefix string, warnings []string) error {
	for _, text := range warnings {
		if _, err := fmt.Fprintf(w, "%sWARNING: %s\n", prefix, plain(text)); err != nil {
			return err
		}
	}
	return nil
}

// showWarnings tells of an object what does not work as things are.
func showWarnings(ctx context.Context, s *client.Client, k osd.Kind, raw json.RawMessage, w io.Writer) error {
	var o osd.Meta
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	l, err := s.List(ctx, string(k))
	if err != nil {
		return err
	}
	return printWarnings(w, "# ", l.Warnings[o.Name])
}

func detail(k osd.Kind, o shown) string {
	switch {
	case k == osd.KindComputer:
		return strings.Join(o.MACs, " ")
	case k == osd.KindCollection:
		return fmt.Sprintf("%d direct members", len(o.Members))
	case k == osd.KindAdvertisement:
		return o.Sequence
	case k == osd.KindAssociation:
		return o.Source + " → " + cmp.Or(o.Destination, o.Source)
	case k == osd.KindPerson && o.Disabled:
		return "disabled"
	case k == osd.KindPerson:
		return cmp.Or(o.Role, fmt.Sprintf("%d rights", len(o.Rights)))
	case k == osd.KindTaskSequence, k == osd.KindSettings, k == osd.KindSecret:
		return ""
	case o.Manifest == "":
		return "no content"
	}
	return bytesText(o.Bytes)
}

func printBoxes(w io.Writer, boxes []api.BoxState) error {
	t := newTable("ID", "NAME", "ENROLLED", "LAST SEEN", "POLICY", "READY", "MISSING", "ERROR")
	for _, b := range boxes {
		if b.CheckIn == nil {
			t.row(b.ID, b.Name, yes(b.Enrolled), clock(b.LastSeen), "-", "-", "-", "")
			continue
		}
		c := *b.CheckIn
		t.row(b.ID, b.Name, yes(b.Enrolled), clock(b.LastSeen), fmt.Sprintf("%d.%d", c.Epoch, c.Number), yes(c.Ready), bytesText(c.MissingBytes), cmp.Or(stopped(c.Stopped), c.Error))
	}
	return t.write(w)
}

// stopped goes before every other trouble of a box.
func stopped(why string) string {
	if why == "" {
		return ""
	}
	return "STOPPED by the wipe interlock: " + why
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func runShow(ctx context.Context, a *app, k osd.Kind, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	raw, err := s.Get(ctx, string(k), name)
	if err != nil && !(k == osd.KindCollection && (&osd.Collection{Meta: osd.Meta{Name: name}}).BuiltIn()) {
		return named(err, k, name)
	}
	if raw == nil {
		raw, _ = json.Marshal(osd.Collection{Meta: osd.Meta{Name: name}}) // plain strings: cannot fail
	}
	if a.json {
		return a.print(raw, nil)
	}
	if err := writeYAML(a.out, k, raw); err != nil {
		return err
	}
	switch k {
	case osd.KindCollection:
	case osd.KindAdvertisement:
		return showWarnings(ctx, s, k, raw, a.out)
	case osd.KindBox:
		return showSelfTest(ctx, s, raw, a.out)
	case osd.KindPackage, osd.KindImage, osd.KindBootImage:
		return showDistribution(ctx, a, raw, a.out)
	default:
		return nil
	}
	m, err := s.Members(ctx, name)
	if err != nil {
		return err
	}
	return printMembers(a.out, m, "# ")
}

// writeYAML writes an object as a document that apply takes, in the order of
// its JSON.
func writeYAML(w io.Writer, k osd.Kind, raw json.RawMessage) error {
	var n yaml.Node
	if err := yaml.Unmarshal(raw, &n); err != nil {
		return err
	}
	return writeNode(w, k, &n)
}

func writeNode(w io.Writer, k osd.Kind, n *yaml.Node) error {
	block(n)
	b, err := yaml.Marshal(n)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "kind: %s\n%s", k, bytes.TrimLeft(b, "\n"))
	return err
}

// block turns the flow style of JSON into lines, and quotes only where YAML
// needs it.
func block(n *yaml.Node) {
	n.Style &^= yaml.FlowStyle | yaml.DoubleQuotedStyle
	for _, c := range n.Content {
		block(c)
	}
}
