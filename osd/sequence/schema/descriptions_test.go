package schema

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write descriptions.json from the comments of the model")

// TestDescriptions: descriptions.json holds the comments of the model as they are.
func TestDescriptions(t *testing.T) {
	got, err := json.MarshalIndent(comments(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("descriptions.json", append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.TrimSpace(string(descriptions)), string(got)); diff != "" {
		t.Errorf("the comments of the model have changed; run go test ./osd/sequence/schema -update\n%s", diff)
	}
}

// comments collects the comments of the model's types and of their fields.
func comments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../*.go")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	all := map[string]string{}
	for _, file := range append(files, "../../osd.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, spec := range g.Specs {
				ts := spec.(*ast.TypeSpec)
				if st, ok := ts.Type.(*ast.StructType); ok && ts.Name.IsExported() {
					structComments(all, ts.Name.Name, g.Doc, st)
				}
			}
		}
	}
	return all
}

func structComments(all map[string]string, name string, doc *ast.CommentGroup, st *ast.StructType) {
	tagged := false
	for _, f := range st.Fields.List {
		if f.Tag == nil {
			continue
		}
		key, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
		text := oneLine(f.Doc)
		if text == "" {
			text = oneLine(f.Comment)
		}
		tagged = true
		if text != "" && key != "" && key != "-" {
			all[name+"."+key] = text
		}
	}
	if text := oneLine(doc); text != "" && (tagged || strings.Contains(text, "(")) {
		all[name] = strings.TrimPrefix(text, name+" ")
	}
}

func oneLine(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
