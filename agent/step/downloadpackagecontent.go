package step

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// downloadPackageContent puts packages into folders of their own, called by their IDs. All are
// found before the first is fetched.
func (x *Executor) downloadPackageContent(ctx context.Context, line sequence.Line, s *sequence.DownloadPackageContent, env *sequence.Environment) engine.Result {
	to, err := env.Public().Expand(s.To)
	if err != nil {
		return failed(err)
	}
	if s.To != "" && (!filepath.IsAbs(to) || strings.Contains(to, "%")) {
		return failed(fmt.Errorf("to: %q gives no folder: begin with a slash, or with a variable that an earlier step set", s.To))
	}
	packages := make([]api.JobContent, len(s.Packages))
	for i, name := range s.Packages {
		if packages[i], err = x.Packages.Find(name); err != nil {
			return failed(err)
		}
	}
	var output []string
	for i, p := range packages {
		dir := x.forSequence(p)
		if to != "" {
			dir = filepath.Join(to, p.ID)
			if err := os.MkdirAll(to, 0o755); err != nil {
				return failed(err)
			}
		}
		if err := x.fetch(ctx, line, p, dir, ""); err != nil {
			return failed(err)
		}
		if s.Variable != "" {
			if err := env.Set(s.FolderVariable(i), dir); err != nil {
				return failed(err)
			}
		}
		output = append(output, fmt.Sprintf("package %q is in %s", p.Name, dir))
	}
	return engine.Result{Output: strings.Join(output, "\n")}
}
