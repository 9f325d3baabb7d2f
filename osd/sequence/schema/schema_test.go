package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v4"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
)

// validate asks a foreign validator, python3-jsonschema, what is wrong with each of several
// documents; empty is nothing.
func validate(t *testing.T, documents []any) []string {
	t.Helper()
	s, err := JSON()
	if err != nil {
		t.Fatal(err)
	}
	in, err := json.Marshal(map[string]any{"schema": json.RawMessage(s), "documents": documents})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", `
import json, sys
from jsonschema import Draft202012Validator
data = json.load(sys.stdin)
Draft202012Validator.check_schema(data["schema"])
v = Draft202012Validator(data["schema"])
print(json.dumps(["; ".join(e.json_path + ": " + e.message for e in v.iter_errors(d)) for d in data["documents"]]))
`)
	c.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("python3-jsonschema: %v: %s", err, stderr.String())
	}
	var all []string
	if err := json.Unmarshal(out, &all); err != nil || len(all) != len(documents) {
		t.Fatalf("%d answers for %d documents, %v", len(all), len(documents), err)
	}
	return all
}

// documentsOf are the documents of a YAML file as JSON has them.
func documentsOf(t *testing.T, text []byte) []any {
	t.Helper()
	var all []any
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if v != nil {
			all = append(all, v)
		}
	}
}

// TestTakesWhatIsApplied: every YAML file of the repository that can be read passes, also its
// documents of other kinds.
func TestTakesWhatIsApplied(t *testing.T) {
	var names []string
	var documents []any
	sequences := 0
	err := filepath.WalkDir("../../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "build" {
			return fs.SkipDir // what tests made
		}
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		objects, err := document.Decode(path, b)
		if err != nil {
			return nil // of another kind, or made to be refused
		}
		for i, v := range documentsOf(t, b) {
			if objects[i].ObjectKind() == osd.KindTaskSequence {
				sequences++
			}
			names, documents = append(names, path), append(documents, v)
		}
		return nil
	})
	if err != nil || sequences < 10 {
		t.Fatalf("%d task sequences found, %v", sequences, err)
	}
	for i, wrong := range validate(t, documents) {
		if wrong != "" {
			t.Errorf("%s: %s", names[i], wrong)
		}
	}
}

// TestSteps: what both must refuse, and what both must take, step by step.
func TestSteps(t *testing.T) {
	good := []string{
		`runCommandLine: {command: 1, timeout: 1h30m, retry: {count: 2, delay: 10s}, successCodes: [0, 3010], secrets: {P: p}}`,
		`runCommandLine: {command: x, condition: {variable: A, equals: true}}`,
		`runCommandLine: {command: x, condition: {any: [{file: /x}, {software: y, greater: "2"}, {none: [{query: SELECT * FROM Win32_BIOS}]}]}}`,
		`runCommandLine: {command: x, timeout: 0}`,
		`setupOperatingSystem: {}`,
		`partitionDisk: {style: mbr, volumes: [{type: primary, size: 1%}, {type: extended, size: 9%}, {type: logical, size: 1%}, {type: logical, size: 1%}, {type: logical, size: 1%}, {type: primary, size: 1%}, {type: primary, size: 1%}]}`,
		`{group: G, condition: {operatingSystem: debian, less: 12}, steps: [{setupOperatingSystem: {}}]}`,
		`partitionDisk: {select: {bus: nvme, minSize: 1.5 TB}, style: gpt, volumes: [{type: primary, size: 50%, fileSystem: xfs, encryption: {passphrase: "%P%"}}]}`,
		`partitionDisk: {style: gpt, volumes: [{type: primary, size: 1GiB, fileSystem: swap, encryption: {}}]}`,
		`applyNetworkSettings: {adapters: [{dhcp: true}, {addresses: [10.0.0.1/24]}]}`,
		`setDynamicVariables: {rules: [{variables: {A: 1}}]}`,
		`installPackage: {list: AA}`,
		`checkReadiness: {acPower: true}`,
		`unknown: {xml: X, disabled: true}`,
		`requestStateStore: {for: capture, tries: 3}`,
	}
	bad := []string{
		`runCommandLine: {comand: x}`,
		`runCommandLine: {}`,
		`runCommandLine:`,
		`runCommandLine: {command: "  "}`,
		`runCommandLine: {command: x, disabled: "yes"}`,
		`runCommandLine: {command: x, timeout: 5}`,
		`runCommandLine: {command: x, timeout: soon}`,
		`runCommandLine: {command: x, retry: {count: 11}}`,
		`runCommandLine: {command: x, successCodes: []}`,
		`runCommandLine: {command: x, outputVariable: _X}`,
		`runCommandLine: {command: x, condition: {variable: A}}`,
		`runCommandLine: {command: x, condition: {variable: A, equals: "1", less: "2"}}`,
		`runCommandLine: {command: x, condition: {variable: A, file: /x, exists: true}}`,
		`runCommandLine: {command: x, condition: {all: []}}`,
		`runCommandLine: {command: x, condition: {all: [{equals: "1"}]}}`,
		`{runCommandLine: {command: x}, setupOperatingSystem: {}}`,
		`{group: G, steps: []}`,
		`{group: G, setupOperatingSystem: {}}`,
		`runComandLine: {command: x}`,
		`partitionDisk: {style: GPT, volumes: [{type: primary, size: 100%}]}`,
		`partitionDisk: {style: gpt, volumes: [{type: extended, size: 9%}, {type: logical, size: 1%}]}`,
		`partitionDisk: {style: mbr, volumes: [{type: primary, size: 1%}, {type: primary, size: 1%}, {type: primary, size: 1%}, {type: primary, size: 1%}, {type: primary, size: 1%}]}`,
		`partitionDisk: {style: gpt, volumes: [{type: primary, size: 100}]}`,
		`partitionDisk: {style: gpt, volumes: [{type: primary, size: 100%, encryption: {passphrase: hunter22}}]}`,
		`partitionDisk: {style: gpt, volumes: [{type: primary, size: 100%, fileSystem: ext4, encryption: {}}]}`,
		`partitionDisk: {style: gpt, volumes: [{type: primary, size: 1GiB, fileSystem: swap, encryption: {passphrase: "%P%"}}]}`,
		`applyOperatingSystem: {image: x}`,
		`restartComputer: {to: somewhere}`,
		`joinDomainOrWorkgroup: {ou: x}`,
		`installPackage: {package: P}`,
		`setDynamicVariables: {rules: [{variables: {_X: "1"}}]}`,
		`unknown: {xml: X}`,
		`applyWindowsSettings: {administratorPassword: hunter22}`,
		`requestStateStore: {for: both}`,
	}
	var documents []any
	for i, step := range append(slices.Clone(good), bad...) {
		text := []byte("kind: TaskSequence\nname: S\nsteps:\n- " + strings.ReplaceAll(step, "\n", "\n  ") + "\n")
		if _, err := document.Decode("s", text); (err == nil) != (i < len(good)) {
			t.Errorf("%s: document.Decode says %v", step, err)
		}
		documents = append(documents, documentsOf(t, text)[0])
	}
	documents = append(documents, map[string]any{"kind": "TaskSequence", "steps": []any{}}, map[string]any{"name": "x"}, map[string]any{"kind": "Tasksequence"})
	for i, wrong := range validate(t, documents) {
		if (wrong == "") != (i < len(good)) {
			t.Errorf("%v: the schema says %q", documents[i], wrong)
		}
	}
}

// TestRulesNameFields: every rule is of a field that there is, so that none is lost when a field
// is renamed; every step is described.
func TestRulesNameFields(t *testing.T) {
	known := map[string]bool{}
	var visit func(owner reflect.Type)
	visit = func(owner reflect.Type) {
		for owner.Kind() == reflect.Pointer || owner.Kind() == reflect.Slice {
			owner = owner.Elem()
		}
		if owner.Kind() != reflect.Struct || known[owner.Name()] {
			return
		}
		known[owner.Name()] = true
		for f := range owner.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			known[owner.Name()+"."+name] = true
			visit(f.Type)
		}
	}
	visit(reflect.TypeFor[sequence.Sequence]())
	visit(reflect.TypeFor[sequence.Group]())
	for _, info := range sequence.Types() {
		visit(reflect.TypeOf(sequence.New(info.Type)))
	}
	names := slices.Concat(slices.Collect(maps.Keys(fieldRules)), slices.Collect(maps.Keys(extras)))
	for owner, fields := range required {
		for _, f := range fields {
			if !known[owner+"."+f] && (owner != "Sequence" || f != "name") && (owner != "Unknown" || f != "disabled") {
				t.Errorf("required: %s has no field %s", owner, f)
			}
		}
	}
	for _, name := range names {
		if !known[name] && name != "Unknown.disabled" {
			t.Errorf("there is no %s", name)
		}
	}
}
