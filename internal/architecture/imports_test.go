package architecture

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/bootward/bootward/"

// floors lists the top-level folders from the ground up: a folder may import
// what stands on a lower floor, nothing on its own floor or above.
var floors = [][]string{
	{"osd", "trust", "diskfs", "board", "internal"},
	{"api", "content", "rootfs"},
	{"appliance", "agent", "site", "bootimg", "lab"},
	{"cmd", "scripts"},
}

// sideways are the imports between folders of one floor that are meant.
var sideways = map[string][]string{
	"api":      {},
	"content":  {"api"}, // a transfer maps problem documents to api.Error
	"internal": {},
}

// forbidden lists, per program and operating system, what must not be in it.
var forbidden = []struct {
	program, goos string
	packages      []string
}{
	{"bootward-agent", "linux", []string{module + "site", module + "appliance", "modernc.org/sqlite", "github.com/jackc/pgx", "github.com/minio/minio-go"}},
	{"bootwardd", "linux", []string{module + "site", module + "agent", "github.com/jackc/pgx", "github.com/minio/minio-go"}},
	{"bootward-init", "linux", []string{module + "site", module + "appliance", module + "agent", "modernc.org/sqlite"}},
}

// pure packages do no I/O: they may not import these.
var impure = []string{"os", "net", "net/http", "os/exec", "syscall", "database/sql", "golang.org/x/sys/unix"}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T, goos string, args ...string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Imports,Deps"}, args...)...)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func floorOf(folder string) int {
	for i, f := range floors {
		if slices.Contains(f, folder) {
			return i
		}
	}
	return -1
}

func folderOf(importPath string) string {
	rest, ours := strings.CutPrefix(importPath, module)
	if !ours {
		return ""
	}
	return strings.SplitN(rest, "/", 2)[0]
}

func TestImportsGoDown(t *testing.T) {
	packages := list(t, "linux", "./...")
	if len(packages) < 10 {
		t.Fatalf("only %d packages listed: the test looks at nothing", len(packages))
	}
	for _, p := range packages {
		from := folderOf(p.ImportPath)
		if floorOf(from) < 0 {
			t.Errorf("%s: folder %q stands on no floor; give it a place in the table", p.ImportPath, from)
		}
		for _, imp := range p.Imports {
			to := folderOf(imp)
			if to == "" || to == from || slices.Contains(sideways[from], to) {
				continue
			}
			if floorOf(to) >= floorOf(from) {
				t.Errorf("%s imports %s: imports only go down", p.ImportPath, imp)
			}
		}
	}
}

func TestDomainDoesNoIO(t *testing.T) {
	packages := list(t, "linux", "./osd/...")
	if len(packages) < 4 {
		t.Fatalf("only %d packages of the domain listed", len(packages))
	}
	for _, p := range packages {
		for _, imp := range p.Imports {
			if slices.Contains(impure, imp) {
				t.Errorf("%s imports %s: the domain does no I/O", p.ImportPath, imp)
			}
		}
	}
}

func TestProgramsHoldOnlyWhatTheyNeed(t *testing.T) {
	for _, f := range forbidden {
		deps := list(t, f.goos, "./"+path.Join("cmd", f.program))[0].Deps
		for _, d := range deps {
			for _, bad := range f.packages {
				if d == bad || strings.HasPrefix(d, bad+"/") {
					t.Errorf("%s (%s) holds %s", f.program, f.goos, d)
				}
			}
		}
	}
}
