package step

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// find finds the package of the job and the program that an entry names.
func (in *install) find(e sequence.Entry) (api.JobContent, *osd.Program, error) {
	at := ""
	if e.Variable != "" {
		at = "variable " + e.Variable + ": "
	}
	p, err := in.Packages.Find(e.Package)
	if err != nil {
		return p, nil, fmt.Errorf("%s%w", at, err)
	}
	program := osd.FindProgram(p.Programs, e.Program)
	if program == nil {
		return p, nil, fmt.Errorf("%spackage %q has no program %q: add it to the package at the site, or name another, and advertise again", at, p.Name, e.Program)
	}
	return p, program, nil
}

// one fetches a package and runs its program.
func (in *install) one(e sequence.Entry) (restart bool, code int, err error) {
	p, program, err := in.find(e)
	if err != nil {
		return false, 0, err
	}
	title := fmt.Sprintf("package %q, program %q", p.Name, program.Name)
	dir := in.forRuns(p)
	in.used = append(in.used, dir)
	if err := in.fetch(in.ctx, in.line, p, dir, program.RunAs); err != nil {
		return false, 0, err
	}
	in.Say("run " + title)
	code, output, err := in.command(program, dir)
	in.output = append(in.output, strings.TrimRight(title+fmt.Sprintf(": exit code %d\n", code)+output, "\n"))
	if err != nil {
		return false, max(code, 0), fmt.Errorf("%s: %w", title, err)
	}
	succeeded, restart := program.Ended(code)
	if !succeeded {
		return false, code, fmt.Errorf("%s: exit code %d", title, code)
	}
	return restart, 0, nil
}

func (in *install) command(p *osd.Program, dir string) (code int, output string, err error) {
	line, err := in.env.Public().Expand(p.Command)
	if err != nil {
		return 0, "", err
	}
	if dir, err = within(dir, p.WorkingDirectory); err != nil {
		return 0, "", err
	}
	ctx := in.ctx
	if p.Timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, time.Duration(p.Timeout))
		defer cancel()
		ctx = limited
	}
	code, _, output, err = in.Commands.Run(ctx, Command{Line: line, Dir: dir, Variables: in.env.ForCommand(line), RunAs: p.RunAs})
	if err != nil && in.ctx.Err() == nil && ctx.Err() != nil {
		err = fmt.Errorf("it took longer than its time limit of %s", time.Duration(p.Timeout))
	}
	return code, output, err
}
