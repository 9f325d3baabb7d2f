package sequence

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxQuestions is how many questions a sequence asks, maxChoices how many answers one offers.
const (
	maxQuestions = 20
	maxChoices   = 9
)

// MaxAnswer is the longest answer to a question, in bytes.
const MaxAnswer = 128

// Question is what the person who chose the sequence is asked before it begins. The answer
// becomes a variable. Nobody is asked where the sequence is mandatory: the default counts.
type Question struct {
	Variable string `json:"variable"`
	Prompt   string `json:"prompt"`
	// Default is the answer of who types nothing.
	Default string `json:"default,omitempty"`
	// Choices are the only answers, if there are any.
	Choices []string `json:"choices,omitempty"`
	// Pattern is a regular expression (RE2) that the whole answer fits.
	Pattern string `json:"pattern,omitempty"`
	// Secret hides the answer on the screen and in logs. It stays on the target.
	Secret bool `json:"secret,omitempty"`
	// Optional lets the answer be empty.
	Optional bool `json:"optional,omitempty"`
}

// Unattended says whether there is an answer where nobody is asked.
func (q *Question) Unattended() bool { return q.Default != "" || q.Optional }

// sameAnswers says whether another question takes the same answers: in other words, perhaps.
func (q *Question) sameAnswers(other Question) bool {
	return q.Default == other.Default && q.Pattern == other.Pattern && q.Secret == other.Secret && q.Optional == other.Optional && slices.Equal(q.Choices, other.Choices)
}

// Answer is the value of an answer as it was typed, or says in plain words what is wrong with it.
// Of a secret one nothing is repeated.
func (q *Question) Answer(typed string) (string, error) {
	value := strings.TrimSpace(typed)
	if q.Secret {
		value = typed
	}
	if value == "" {
		value = q.Default
	}
	switch {
	case value == "" && q.Optional:
		return "", nil
	case value == "":
		return "", fmt.Errorf("an answer is needed")
	case len(value) > MaxAnswer:
		return "", fmt.Errorf("the answer is longer than %d characters", MaxAnswer)
	case len(q.Choices) > 0:
		i := slices.IndexFunc(q.Choices, func(c string) bool { return strings.EqualFold(c, value) })
		if i < 0 {
			return "", fmt.Errorf("give one of: %s", strings.Join(q.Choices, ", "))
		}
		return q.Choices[i], nil
	}
	if ok, err := q.fits(value); err != nil || !ok {
		return "", fmt.Errorf("the answer does not have the form that the task sequence asks for: %s", q.Pattern)
	}
	return value, nil
}

// Reply is Answer for what a person typed at a screen that numbers the choices, from 1.
func (q *Question) Reply(typed string) (string, error) {
	value, err := q.Answer(typed)
	if n, number := strconv.Atoi(strings.TrimSpace(typed)); err != nil && number == nil && n >= 1 && n <= len(q.Choices) {
		return q.Choices[n-1], nil
	}
	return value, err
}

func (q *Question) fits(value string) (bool, error) {
	if q.Pattern == "" {
		return true, nil
	}
	re, err := regexp.Compile(`^(?:` + q.Pattern + `)$`)
	if err != nil {
		return false, err
	}
	return re.MatchString(value), nil
}

// Unanswered names the variables of the questions that somebody must answer: the sequence cannot
// be mandatory with them.
func (s *Sequence) Unanswered() []string {
	var names []string
	for _, q := range s.Questions {
		if !q.Unattended() {
			names = append(names, q.Variable)
		}
	}
	return names
}

func (c *checker) questions(all []Question) {
	if len(all) > maxQuestions {
		c.fail("questions", fmt.Sprint(len(all)), "a sequence asks at most %d questions", maxQuestions)
	}
	for i, q := range all {
		c.path = fmt.Sprintf("questions[%d]", i)
		c.name("variable", q.Variable)
		if slices.ContainsFunc(all[:i], func(other Question) bool { return strings.EqualFold(other.Variable, q.Variable) }) {
			c.fail("variable", q.Variable, "another question sets this variable: give another name")
		}
		c.question(q)
		if q.Secret {
			c.hidden = append(c.hidden, q.Variable)
		}
	}
	c.path = ""
}

func (c *checker) question(q Question) {
	if n := utf8.RuneCountInString(q.Prompt); n < 1 || n > 100 || strings.ContainsFunc(q.Prompt, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		c.fail("prompt", q.Prompt, "write the question, in 1 to 100 characters without control characters")
	}
	if q.Secret && (q.Default != "" || len(q.Choices) > 0) {
		c.fail("default", "********", "what is secret stands in no sequence: leave default and choices out, or secret")
		return
	}
	if len(q.Choices) > maxChoices || len(q.Choices) > 0 && q.Pattern != "" {
		c.fail("choices", fmt.Sprint(len(q.Choices)), "offer at most %d answers, and no pattern beside them", maxChoices)
	}
	for i, one := range append([]string{q.Default}, q.Choices...) {
		c.text("choices", one, MaxAnswer)
		if i > 0 && strings.TrimSpace(one) != one || i > 0 && one == "" {
			c.fail("choices", one, "an answer is not empty and has no blanks around it")
		}
	}
	if _, err := q.fits(""); err != nil {
		c.fail("pattern", q.Pattern, "give a regular expression: %v", err)
		return
	}
	if q.Default == "" {
		return
	}
	if _, err := q.Answer(q.Default); err != nil {
		c.fail("default", q.Default, "%v", err)
	}
}
