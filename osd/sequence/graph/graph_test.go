package graph

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
)

var update = flag.Bool("update", false, "write the golden files")

func load(t *testing.T, file string) *sequence.Sequence {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := document.Decode(file, b)
	if err != nil {
		t.Fatal(err)
	}
	return objects[0].(*sequence.Sequence)
}

// TestGoldens holds pictures that somebody has looked at, and shows them to librsvg.
func TestGoldens(t *testing.T) {
	for name, file := range map[string]string{"ward": "../../../examples/ward/sequence.yaml", "nasty": "testdata/nasty.yaml"} {
		got := SVG(load(t, file))
		golden := filepath.Join("testdata", name+".svg")
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		wellFormed(t, got)
		c := exec.CommandContext(t.Context(), "rsvg-convert")
		c.Stdin = bytes.NewReader(got)
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s: rsvg-convert: %v", name, err)
		}
		picture, err := png.DecodeConfig(bytes.NewReader(out))
		if err != nil || picture.Width != width || picture.Height < 400 {
			t.Errorf("%s: a picture of %d by %d, %v", name, picture.Width, picture.Height, err)
		}
	}
}

func wellFormed(t *testing.T, svg []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
		if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "image" || e.Name.Local == "a") {
			t.Errorf("element %s", e.Name.Local)
		}
	}
}

// TestEveryStep: no type of step is forgotten, and secret values are not drawn.
func TestEveryStep(t *testing.T) {
	s := &sequence.Sequence{Meta: osd.Meta{Name: "All"}}
	for _, info := range sequence.Types() {
		s.Steps = append(s.Steps, sequence.Node{Step: sequence.New(info.Type)})
	}
	s.Steps = append(s.Steps, sequence.Node{Step: &sequence.SetTaskSequenceVariable{Variable: "P", Value: "hunter22", Secret: true}})
	svg := string(SVG(s))
	wellFormed(t, []byte(svg))
	for _, info := range sequence.Types() {
		if !strings.Contains(svg, ">"+string(info.Type)+"<") {
			t.Errorf("%s is not drawn", info.Type)
		}
	}
	if strings.Contains(svg, "hunter22") {
		t.Error("a secret value is drawn")
	}
}

// TestLongWords: a word of a megabyte is cut to its room at once.
func TestLongWords(t *testing.T) {
	for _, room := range []int{1, 20, 300} {
		for _, word := range []string{strings.Repeat("x", 1<<20), strings.Repeat("\xff", 1<<20), strings.Repeat("描", 1<<18)} {
			lines := wrap("a "+word+" b", room, mono)
			for _, l := range lines {
				if textWidth(l, mono) > max(room, 21) {
					t.Errorf("%q is wider than %d", l, room)
				}
			}
			if long := clip(word, room, mono); !strings.HasSuffix(long, "…") || !strings.HasPrefix(word, strings.TrimSuffix(long, "…")) || len(lines) < 2 {
				t.Errorf("%d: %q, %d lines", room, long, len(lines))
			}
		}
	}
}

// FuzzSVG: whatever stands in names, commands and conditions, what comes out is XML, and no text
// runs out of the picture by our own reckoning.
func FuzzSVG(f *testing.F) {
	f.Add("name", "command", "condition", "描述")
	f.Add("<![CDATA[", "]]>&amp;\x00\ufffe", "\"'><script>", "\xff\xfe")
	f.Fuzz(func(t *testing.T, name, command, value, description string) {
		step := &sequence.RunCommandLine{Options: sequence.Options{Name: name, Description: description, Condition: &sequence.Condition{Variable: "A", Comparison: sequence.Comparison{Equals: &value}}}, Command: command}
		s := &sequence.Sequence{Meta: osd.Meta{Name: name}, Steps: []sequence.Node{{Group: &sequence.Group{Name: name, Description: description, Condition: step.Condition, Steps: []sequence.Node{{Step: step}}}}}}
		wellFormed(t, SVG(s))
		for _, room := range []int{20, 300} {
			for _, l := range wrap(command, room, mono) {
				if textWidth(l, mono) > room+20 {
					t.Errorf("%q is wider than %d", l, room)
				}
			}
		}
	})
}
