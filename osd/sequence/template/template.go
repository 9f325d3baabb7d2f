// Package template writes new task sequences to begin with: those of the guide's wizard (tables 17,
// 33, 37 and 41), as YAML with comments. Steps that this version cannot run stand in them, disabled,
// so that the order is right when it can. Pure.
package template

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// Kind is one of the guide's three kinds of new task sequences.
type Kind string

// The kinds.
const (
	Install Kind = "install" // install an existing image
	Capture Kind = "capture" // build and capture a reference machine
	Custom  Kind = "custom"  // nothing but an example
)

// Kinds lists the kinds.
func Kinds() []Kind { return []Kind{Install, Capture, Custom} }

// Options are what the wizard asks. What is empty has a default.
type Options struct {
	Name      string
	BootImage string
	Image     string
	Workgroup string
	// Domain is joined by the account Account, whose password is the Secret named Secret.
	Domain, OU, Account, Secret string
	// Destination is where a captured image goes, such as //server/images/ward.wim; CaptureAccount
	// writes there, and the Secret named CaptureSecret is its password.
	Destination, CaptureAccount, CaptureSecret string
}

//go:embed *.yaml
var files embed.FS

// New writes a sequence of a kind.
func New(k Kind, o Options) ([]byte, error) {
	if !slices.Contains(Kinds(), k) {
		return nil, fmt.Errorf("kind %q: give one of install, capture and custom", k)
	}
	if o.Domain == "" && (o.OU != "" || o.Account != "") || o.Domain != "" && (o.Account == "" || o.Workgroup != "") {
		return nil, errors.New("domain: give it with the account that joins machines, and without a workgroup")
	}
	name := map[Kind]string{Install: "Install an existing image", Capture: "Build and capture a reference image", Custom: "Custom task sequence"}[k]
	o.Name, o.Image, o.Secret = cmp.Or(o.Name, name), cmp.Or(o.Image, "debian-12"), cmp.Or(o.Secret, "join-password")
	if k != Custom {
		o.BootImage = cmp.Or(o.BootImage, "linux-x64")
	}
	if o.Domain == "" {
		o.Workgroup = cmp.Or(o.Workgroup, "WORKGROUP")
	}
	o.Destination, o.CaptureAccount = cmp.Or(o.Destination, "//server/images/reference.wim"), cmp.Or(o.CaptureAccount, `EXAMPLE\capture`)
	o.CaptureSecret = cmp.Or(o.CaptureSecret, "capture-password")
	t, err := template.New("").Delims("<<", ">>").Funcs(template.FuncMap{"q": quote}).ParseFS(files, "*.yaml")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, string(k)+".yaml", o); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

var plain = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9 _.,/()-]*$`)

// quote writes a text as YAML: as it is, if it cannot be read as something else.
func quote(text string) string {
	words := []string{"null", "true", "false", "yes", "no", "on", "off"}
	if plain.MatchString(text) && !strings.HasSuffix(text, " ") && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	return strconv.Quote(text)
}
