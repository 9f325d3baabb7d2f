package sequence

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/query"
)

// Limits of a sequence.
const (
	maxNodes = 1000
	maxNest  = 10
)

// checker collects wrong fields.
type checker struct {
	path   string
	hidden []string // variables of secret answers
	errs   []error
}

func (c *checker) fail(field, value, remedy string, args ...any) {
	if c.path != "" && field != "" {
		field = c.path + "." + field
	} else {
		field = c.path + field
	}
	c.errs = append(c.errs, &osd.FieldError{Field: field, Value: value, Remedy: fmt.Sprintf(remedy, args...)})
}

func (c *checker) name(field, value string) {
	if err := CheckName(value); err != nil {
		c.fail(field, value, "a variable that a sequence sets begins with a letter and holds letters, digits, '_', '-' and '.'; those that begin with '_' are read-only")
	}
}

// given checks a text that may not be left out.
func (c *checker) given(field, value, remedy string) {
	if value == "" || strings.ContainsRune(value, 0) {
		c.fail(field, value, "%s", remedy)
	}
}

func (c *checker) oneOf(field, value string, known ...string) {
	if !slices.Contains(known, value) {
		c.fail(field, value, "give %s", strings.Join(known, " or "))
	}
}

// reference is the whole of a field that may hold a secret.
var reference = regexp.MustCompile(`^%[A-Za-z_][A-Za-z0-9_.-]{0,254}%$`)

// secretValue checks a field that must not hold the secret itself: everybody who may read the
// sequence would read it.
func (c *checker) secretValue(field, value string) {
	if !reference.MatchString(value) {
		c.fail(field, "********", "name the variable that holds it, such as %%Password%%, and the secret of that variable in `secrets`")
	}
}

// account checks an account with the variable of its password.
func (c *checker) account(account, password string) {
	c.text("account", account, 256)
	if password != "" {
		c.secretValue("password", password)
		if account == "" {
			c.fail("account", "", "name the account of the password")
		}
	}
}

// Validate implements osd.Object.
func (s *Sequence) Validate() error {
	c := &checker{}
	if s.Name == "" || len(s.Name) > 127 || strings.ContainsFunc(s.Name, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		c.fail("name", s.Name, "give a name of 1 to 127 bytes without control characters")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Variables)) {
		c.name("variables."+name, name)
	}
	c.questions(s.Questions)
	if len(s.Steps) == 0 {
		c.fail("steps", "", "give at least one step")
	}
	total := 0
	walk(s.Steps, "steps", func(path string, n Node) {
		total++
		c.path = path
		c.node(n)
	})
	c.path = ""
	c.systemVolumes(s)
	if total > maxNodes {
		c.fail("steps", fmt.Sprint(total), "a sequence holds at most %d groups and steps", maxNodes)
	}
	return errors.Join(c.errs...)
}

func (c *checker) node(n Node) {
	switch {
	case (n.Group == nil) == (n.Step == nil):
		c.fail("", "", "give a group or a step")
	case n.Group != nil:
		c.group(n.Group)
	default:
		c.path += "." + string(n.Step.Type())
		c.options(n.Step.Common())
		n.Step.check(c)
	}
}

func (c *checker) group(g *Group) {
	if n := utf8.RuneCountInString(g.Name); n == 0 || n > 50 {
		c.fail("group", g.Name, "give a name of 1 to 50 characters")
	}
	c.text("description", g.Description, 256)
	c.condition("condition", g.Condition, 0)
	if len(g.Steps) == 0 {
		c.fail("steps", "", "give the group at least one step")
	}
	if strings.Count(c.path, "steps[") > maxNest {
		c.fail("steps", "", "groups can be nested %d deep", maxNest)
	}
}

func (c *checker) text(field, value string, most int) {
	if utf8.RuneCountInString(value) > most || strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 && r != '\n' || r == 0x7f }) {
		c.fail(field, value, "give at most %d characters, none of them a control character", most)
	}
}

func (c *checker) options(o *Options) {
	c.text("name", o.Name, 50)
	c.text("description", o.Description, 256)
	c.condition("condition", o.Condition, 0)
	if o.SuccessCodes != nil && len(o.SuccessCodes) == 0 {
		c.fail("successCodes", "", "name at least one exit code, or leave it out for 0")
	}
	for i, code := range o.SuccessCodes {
		if code < 0 {
			c.fail(fmt.Sprintf("successCodes[%d]", i), fmt.Sprint(code), "exit codes are 0 or more")
		}
	}
	c.secrets(o)
	if o.Retry != nil && (o.Retry.Count < 1 || o.Retry.Count > 10) {
		c.fail("retry.count", fmt.Sprint(o.Retry.Count), "give 1 to 10 further tries")
	}
}

func (c *checker) condition(field string, cond *Condition, depth int) {
	if cond == nil {
		return
	}
	if depth > maxNest {
		c.fail(field, "", "conditions can be nested %d deep", maxNest)
		return
	}
	forms := 0
	for name, list := range map[string][]Condition{"all": cond.All, "any": cond.Any, "none": cond.None} {
		if list == nil {
			continue
		}
		forms++
		if len(list) == 0 {
			c.fail(field+"."+name, "", "name at least one condition")
		}
		for i := range list {
			c.condition(fmt.Sprintf("%s.%s[%d]", field, name, i), &list[i], depth+1)
		}
	}
	c.subject(field, cond, forms)
}

// subject checks that a condition asks for one thing, with at most one comparison.
func (c *checker) subject(field string, cond *Condition, forms int) {
	subjects, tests := cond.subjects(), 0
	for _, op := range cond.operators(false) {
		if op.want != nil {
			tests++
		}
	}
	if cond.Exists != nil {
		tests++
	}
	switch {
	case len(subjects) == 0 && forms == 1 && tests == 0:
	case len(subjects) != 1 || forms > 0 || tests > 1 || cond.Variable != "" && tests == 0 || cond.Query != "" && tests > 0:
		c.fail(field, "", "give one of all, any and none; or one of variable, file, folder, operatingSystem, software, query and registry, with at most one of exists, equals, notEquals, greater, greaterOrEqual, less, lessOrEqual, like and notLike: a variable needs one, a query takes none")
	case cond.Variable != "" && !variableName.MatchString(cond.Variable):
		c.fail(field+".variable", cond.Variable, "give the name of a variable, without percent signs")
	case cond.Query != "":
		if _, err := query.Parse(cond.Query); err != nil {
			c.fail(field+".query", cond.Query, "%s", err)
		}
	}
}

// walk visits every node in order, parents first.
func walk(nodes []Node, path string, visit func(path string, n Node)) {
	for i, n := range nodes {
		p := fmt.Sprintf("%s[%d]", path, i)
		visit(p, n)
		if n.Group != nil {
			walk(n.Group.Steps, p+".steps", visit)
		}
	}
}
