package graph

import (
	"fmt"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// tag is a word in a small box.
type tag struct{ class, text string }

func tagsOf(disabled, goesOn bool) []tag {
	var all []tag
	if goesOn {
		all = append(all, tag{"", "continues on error"})
	}
	if disabled {
		all = append(all, tag{"", "disabled"})
	}
	return all
}

// stepTags are those beside the name of a step, and those below them.
func stepTags(s sequence.Step) (first, second []tag) {
	o := s.Common()
	first = tagsOf(o.Disabled, false)
	if s.Type().Missing() != "" {
		first = append(first, tag{"cannot", "cannot run yet"})
	}
	if erases(s) {
		first = append(first, tag{"danger", "erases"})
	}
	second = tagsOf(false, o.ContinueOnError)
	if o.Retry != nil {
		second = append(second, tag{"", fmt.Sprintf("%d tries", o.Retry.Count+1)})
	}
	if o.Timeout != 0 {
		limit, _ := o.Timeout.MarshalText() // it cannot fail
		second = append(second, tag{"", "at most " + short(string(limit))})
	}
	if len(o.Secrets) > 0 {
		second = append(second, tag{"", "secrets"})
	}
	return first, second
}

// step draws a step: number, name and tags, its type, and what it is about.
func (p *painter) step(s sequence.Step, l sequence.Line, x, w, y int) int {
	o := s.Common()
	detail := wrap(detail(s), w-64, mono)
	if len(detail) > 2 {
		detail = append(detail[:1], clip(detail[1]+" "+detail[2], w-64, mono))
	}
	height := 50 + len(detail)*line
	class := "step"
	if erases(s) {
		class = "step erases"
	}
	p.raw(`<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="6"/>`, class, x, y, w, height)
	if o.Description != "" {
		p.raw(`<title>%s</title>`, escape(o.Description))
	}
	if erases(s) {
		p.raw(`<path class="strip" d="M%d %dh-1q-5 0-5 5v%dq0 5 5 5h1z"/>`, x+6, y, height-10)
	}
	first, second := stepTags(s)
	p.text(x+36, y+22, "number end", fmt.Sprint(l.Number), 40)
	p.text(x+46, y+22, "name", sequence.Title(s), w-64-p.tags(first, x+w-10, y+7))
	p.text(x+46, y+39, "small", string(s.Type()), w-64-p.tags(second, x+w-10, y+28))
	for i, text := range detail {
		p.text(x+46, y+57+i*line, "detail", text, w-60)
	}
	return y + height
}

// count is a number of things, whose plural has an s unless it is given.
func count(n int, one string, many ...string) string {
	switch {
	case n == 1:
		return "1 " + one
	case len(many) > 0:
		return fmt.Sprint(n, " ", many[0])
	}
	return fmt.Sprint(n, " ", one, "s")
}

// short takes zeros off a time: 5m0s is 5m.
func short(limit string) string {
	if strings.HasSuffix(limit, "m0s") {
		limit = strings.TrimSuffix(limit, "0s")
	}
	if strings.HasSuffix(limit, "h0m") {
		limit = strings.TrimSuffix(limit, "0m")
	}
	return limit
}

// erases says whether a step destroys what is on a disk.
func erases(s sequence.Step) bool {
	switch s.(type) {
	case *sequence.PartitionDisk, *sequence.ConvertDiskToDynamic:
		return true
	}
	return false
}

// restart is where a step restarts the machine into, or empty.
func restart(s sequence.Step) string {
	switch s := s.(type) {
	case *sequence.SetupOperatingSystem:
		return "the installed system"
	case *sequence.RestartComputer:
		if s.To == sequence.ToBootImage {
			return "the boot image"
		}
		return "the installed system"
	}
	return ""
}

// detail is what a step is about, in one text.
func detail(s sequence.Step) string {
	switch s := s.(type) {
	case *sequence.PartitionDisk:
		return disk(s)
	case *sequence.ApplyOperatingSystem:
		return s.Image + " → " + s.To
	case *sequence.ApplyDataImage:
		return s.Image + " → " + s.To
	case *sequence.SetTaskSequenceVariable:
		value := s.Value
		if s.Secret {
			value = "********"
		}
		return s.Variable + " = " + value
	case *sequence.RunCommandLine:
		text := "$ " + s.Command
		if s.OutputVariable != "" {
			text += " → " + s.OutputVariable
		}
		return text
	case *sequence.SetDynamicVariables:
		return count(len(s.Rules), "rule")
	case *sequence.RestartComputer:
		return s.Message
	}
	return others(s)
}

func disk(s *sequence.PartitionDisk) string {
	text := fmt.Sprintf("disk %d", s.Disk)
	if s.Select != nil {
		text = "the disk with"
		for _, f := range sequence.Fields(s.Select) {
			text += " " + f.Path + " " + f.Value
		}
	}
	var volumes []string
	for _, v := range s.Volumes {
		words := strings.Fields(strings.Join([]string{v.Name, v.FileSystem, v.Size}, " "))
		if v.Name == "" {
			words = append([]string{v.Type}, words...)
		}
		if v.Encryption != nil {
			words = append(words, "encrypted")
		}
		volumes = append(volumes, strings.Join(words, " "))
	}
	return text + ", " + s.Style + ": " + strings.Join(volumes, " | ")
}

// others lists the fields that a step has beside those of all steps.
func others(s sequence.Step) string {
	common := map[string]bool{}
	for _, f := range sequence.Fields(s.Common()) {
		common[f.Path] = true
	}
	var parts []string
	for _, f := range sequence.Fields(s) {
		if !common[f.Path] {
			parts = append(parts, f.Path+" "+f.Value)
		}
	}
	return strings.Join(parts, ", ")
}
