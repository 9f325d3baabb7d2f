package foresight

import (
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// verdict is what is known of a condition.
type verdict int8

const (
	no   verdict = iota
	open         // known later
	yes
)

// judgement is a verdict; why says what an open one depends on.
type judgement struct {
	verdict verdict
	why     string
}

func both(a, b judgement) judgement {
	if b.verdict < a.verdict {
		return b
	}
	return a
}

func either(a, b judgement) judgement {
	if b.verdict > a.verdict {
		return b
	}
	return a
}

// judge judges a condition with what is known now.
func (f *future) judge(c *sequence.Condition) judgement {
	switch {
	case c == nil:
		return judgement{verdict: yes}
	case c.All != nil:
		out := judgement{verdict: yes}
		for i := range c.All {
			out = both(out, f.judge(&c.All[i]))
		}
		return out
	case c.Any != nil:
		return f.any(c.Any)
	case c.None != nil:
		out := f.any(c.None)
		out.verdict = yes - out.verdict
		return out
	}
	if why := f.depends(c); why != "" {
		return judgement{open, why}
	}
	holds, err := c.Holds(f.env, f.facts)
	switch {
	case err != nil:
		return judgement{open, err.Error()}
	case holds:
		return judgement{verdict: yes}
	}
	return judgement{verdict: no}
}

func (f *future) any(list []sequence.Condition) judgement {
	out := judgement{verdict: no}
	for i := range list {
		out = either(out, f.judge(&list[i]))
	}
	return out
}

// depends says what an answer to one question depends on that is known later.
func (f *future) depends(c *sequence.Condition) string {
	if c.File+c.Folder+c.OperatingSystem+c.Software != "" && f.touched != "" {
		return f.touched + " may change what a condition asks for"
	}
	if c.Variable != "" {
		if why := f.doubt(c.Variable, map[string]bool{}); why != "" {
			return why
		}
	}
	texts := []string{c.File, c.Folder, c.OperatingSystem, c.Software, c.Query}
	for _, p := range []*string{c.Equals, c.NotEquals, c.Greater, c.GreaterOrEqual, c.Less, c.LessOrEqual, c.Like, c.NotLike} {
		if p != nil {
			texts = append(texts, *p)
		}
	}
	return f.doubts(strings.Join(texts, "\n"), map[string]bool{})
}
