package technician

import (
	"context"
	"errors"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/selftest"
)

// test tests the segments. What it sends is ten DISCOVERs and some pings for each, so
// that everybody who may look around may ask for it; one test runs at a time.
func (d *Desk) test(ctx context.Context, c caller, iface string) (api.SelfTest, *failure) {
	d.Log.Info("the segments are tested", "by", c.person.Name, "interface", shown(iface))
	t, err := d.Test(ctx, iface)
	switch {
	case err == nil:
		return t, nil
	case errors.Is(err, selftest.ErrBusy):
		f := fail(api.CodeTooMany, "selftest", "%v", err)
		f.wait = selftest.Wait
		return t, f
	case errors.Is(err, selftest.ErrNoInterface):
		return t, fail(api.CodeNotFound, shown(iface), "%v", err).remedy("name an interface whose pxe is not off in box.yaml, or none")
	}
	return t, d.internal("test the segments", err)
}

// column is where a line of the console ends.
const column = 78

func (t *Terminal) selftest(ctx context.Context, c caller, args []string) ([]string, *failure) {
	if len(args) > 1 {
		return nil, fail(api.CodeInvalid, "selftest", "give one interface, or none for all")
	}
	result, f := t.Desk.test(ctx, c, strings.Join(args, ""))
	if f != nil {
		return nil, f
	}
	var lines []string
	for _, l := range result.Lines() {
		lines = append(lines, fold(l)...)
	}
	return lines, nil
}

// fold breaks a line at spaces; what goes on below stands under its text.
func fold(line string) []string {
	indent := strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " "))+4)
	var lines []string
	for len(line) > column {
		at := strings.LastIndex(line[:column], " ")
		if at < len(indent) {
			at = column
		}
		lines = append(lines, line[:at])
		line = indent + strings.TrimLeft(line[at:], " ")
	}
	return append(lines, line)
}
