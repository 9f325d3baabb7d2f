package tsxml

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bootward/bootward/osd/sequence"
)

// What the model takes.
const (
	maxName        = 50
	maxDescription = 256
	maxRetries     = 10
	maxCodes       = 100
	maxSeconds     = 365 * 24 * 60 * 60
)

// nodeName is how warnings call a node.
func nodeName(e *element) string {
	return cmp.Or(strings.TrimSpace(clean(strings.ReplaceAll(e.attr("name"), "\n", " "), maxName)), typeOf(e))
}

// clean makes a text that the model takes: shorter, without control characters.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most])
	}
	return s
}

// options reads what groups and all steps have.
func (im *importer) options(e *element) sequence.Options {
	o := sequence.Options{Name: clean(e.attr("name"), maxName), Description: clean(e.attr("description"), maxDescription)}
	o.Disabled, o.ContinueOnError = isTrue(e.attr("disable")), isTrue(e.attr("continueOnError"))
	if o.Name != e.attr("name") {
		im.warn(e, "its name is kept for export and is %q here: at most %d characters, none of them a control character", o.Name, maxName)
	}
	if o.Description != e.attr("description") {
		im.warn(e, "its description is kept for export and shorter here: at most %d characters, none of them a control character", maxDescription)
	}
	return o
}

// stepOptions reads what steps have beside that.
func (im *importer) stepOptions(e *element, t sequence.Type) sequence.Options {
	o := im.options(e)
	if t == sequence.TypeRunTaskSequence { // the other sequence has these
		return o
	}
	if codes := im.successCodes(e); t != sequence.TypeInstallPackage { // its programs have them
		o.SuccessCodes = codes
	}
	if seconds := im.number(e, "timeout", "Timeout", maxSeconds); seconds > 0 {
		o.Timeout = sequence.Duration(time.Duration(seconds) * time.Second)
	}
	if count := im.number(e, "retryCount", "RetryCount", maxRetries); count > 0 && t != sequence.TypeSetupOperatingSystem {
		o.Retry = &sequence.Retry{Count: count}
	}
	return o
}

func (im *importer) successCodes(e *element) []int {
	var codes []int
	words := strings.FieldsFunc(e.attr("successCodeList"), func(r rune) bool { return strings.ContainsRune(" ,;\t\r\n", r) })
	if len(words) > maxCodes {
		im.warn(e, "%d exit codes are kept for export, and the first %d count here", len(words), maxCodes)
		words = words[:maxCodes]
	}
	for _, word := range words {
		code, err := strconv.Atoi(word)
		if err != nil || code < 0 {
			im.warn(e, "the exit code %q is kept for export and does not count here: exit codes are numbers from 0", word)
			continue
		}
		if !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	if slices.Equal(codes, []int{0}) {
		return nil
	}
	return codes
}

// number reads a number of a step, which stands in an attribute or in a variable.
func (im *importer) number(e *element, attr, property string, most int) int {
	text := strings.TrimSpace(cmp.Or(newInput(e).get(property), e.attr(attr)))
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 0:
		im.warn(e, "%s %q is kept for export and does not count here: give a number", attr, text)
		return 0
	case n > most:
		im.warn(e, "%s %d is kept for export and is %d here: there is no more", attr, n, most)
		return most
	}
	return n
}

func isTrue(s string) bool {
	s = strings.TrimSpace(s)
	return strings.EqualFold(s, "true") || s == "1"
}

// Where a step runs, in its attribute runIn.
const (
	inWinPE  = "WinPE"
	inFullOS = "FullOS"
	inBoth   = "WinPEandFullOS"
)

// stage is the condition that says the same as an attribute runIn; nil if the step runs anywhere.
func stage(runIn string) *sequence.Condition {
	value := ""
	switch {
	case strings.EqualFold(strings.TrimSpace(runIn), inWinPE):
		value = "true"
	case strings.EqualFold(strings.TrimSpace(runIn), inFullOS):
		value = "false"
	default:
		return nil
	}
	return &sequence.Condition{Variable: "_SMSTSInWinPE", Comparison: sequence.Comparison{Equals: &value}}
}

// join puts the condition of runIn before another one.
func join(stage, c *sequence.Condition) *sequence.Condition {
	switch {
	case stage == nil:
		return c
	case c == nil:
		return stage
	case c.All != nil:
		return &sequence.Condition{All: append([]sequence.Condition{*stage}, c.All...)}
	}
	return &sequence.Condition{All: []sequence.Condition{*stage, *c}}
}

// part takes the condition of runIn away from another one; false if it is not in there.
func part(stage, c *sequence.Condition) (rest *sequence.Condition, ok bool) {
	switch {
	case stage == nil || c == nil:
		return c, false
	case same(stage, c):
		return nil, true
	case len(c.All) < 2 || !same(stage, &c.All[0]):
		return c, false
	case len(c.All) == 2:
		return &c.All[1], true
	}
	return &sequence.Condition{All: c.All[1:]}, true
}
