package step

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// unresolved is a variable that an expanded text still names.
var unresolved = regexp.MustCompile(`%[A-Za-z_][A-Za-z0-9_.-]*%`)

// setting is what a step works with: the first of the product's variables that is set or, if none is, the step's own
// field; both expanded. That a variable wins over the field is the product's rule: see docs/formats/sequence.md.
func setting(env *sequence.Environment, field string, variables ...string) (string, error) {
	text := field
	for _, name := range variables {
		v, ok := env.Get(name)
		if !ok { // one that is left out because it is secret is not passed over: the step would work with something else
			if _, err := env.Expand("%" + name + "%"); err != nil {
				return "", err
			}
		}
		if v != "" {
			text = v
			break
		}
	}
	out, err := env.Expand(text)
	if err != nil {
		return "", err
	}
	if name := unresolved.FindString(out); name != "" {
		return "", fmt.Errorf("%q names the variable %s, which is not set; set it before this step", text, strings.Trim(name, "%"))
	}
	return out, nil
}

// secret is setting for a value that is shown nowhere. It is not expanded: a password may hold percent signs.
func secret(env *sequence.Environment, field string, variables ...string) (string, error) {
	for _, name := range variables {
		if v, ok := env.Get(name); ok && v != "" {
			return v, nil
		}
	}
	name := strings.Trim(field, "%")
	if name == "" {
		return "", nil
	}
	v, ok := env.Get(name)
	if !ok || v == "" {
		return "", fmt.Errorf("the variable %s is not set; name a Secret for it in `secrets` of this step", name)
	}
	return v, nil
}

// settingsOf fills several settings, and stops at the first that cannot be had.
func settingsOf(env *sequence.Environment, wanted []wantedSetting) error {
	for _, w := range wanted {
		v, err := setting(env, w.field, w.variables...)
		if err != nil {
			return err
		}
		*w.into = v
	}
	return nil
}

type wantedSetting struct {
	into      *string
	field     string
	variables []string
}
