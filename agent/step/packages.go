package step

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// Packages are those of the job.
type Packages interface {
	// Find finds one by its name or its ID.
	Find(nameOrID string) (api.JobContent, error)
	// Fetch puts the files of a package into a folder that its owner alone can open, each verified.
	// What is there and whole is not fetched again. While the box cannot be reached it waits.
	Fetch(ctx context.Context, p api.JobContent, dir string, o Fetching) error
}

// Fetching is how a package is fetched.
type Fetching struct {
	// Owner is the user of the running system that the folder is for; root when empty.
	Owner    string
	Progress func(done, total int64)
}

// fetch fetches a package of the job.
func (x *Executor) fetch(ctx context.Context, line sequence.Line, p api.JobContent, dir, owner string) error {
	o := Fetching{Owner: owner, Progress: func(done, total int64) { x.Progress(line, done, total) }}
	x.Say(fmt.Sprintf("fetch package %q, %d MiB", p.Name, (p.Bytes+1<<20-1)>>20))
	return x.Packages.Fetch(ctx, p, dir, o)
}

// forRuns is where packages go whose programs and commands run; forSequence is where those go
// that stay to the end of the sequence.
func (x *Executor) forRuns(p api.JobContent) string {
	return filepath.Join(x.Folder.Content(), "run", p.ID)
}

func (x *Executor) forSequence(p api.JobContent) string {
	return filepath.Join(x.Folder.Content(), "sequence", p.ID)
}

// drop removes folders at the end of a step, unless SMSTSPersistContent keeps them for a later one.
// All go with the job folder in the end.
func (x *Executor) drop(env *sequence.Environment, dirs []string) error {
	if keep, _ := env.Get("SMSTSPersistContent"); strings.EqualFold(strings.TrimSpace(keep), "true") {
		return nil
	}
	var errs []error
	for _, dir := range dirs {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// within joins a folder of a package to where the package is.
func within(dir, folder string) (string, error) {
	if folder == "" {
		return dir, nil
	}
	if !filepath.IsLocal(folder) {
		return "", fmt.Errorf("working directory %q: give a folder of the package, such as bin", folder)
	}
	return filepath.Join(dir, folder), nil
}

// asUser refuses a user where there are none.
func (x *Executor) asUser(name string) error {
	if name == "" || x.Stage != status.StageBootImage {
		return nil
	}
	return fmt.Errorf("run as %s: the boot image has no user but root; put the step behind the restart into the installed system, or leave runAs out", name)
}
