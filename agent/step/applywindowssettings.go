package step

import (
	"context"
	"errors"
	"strings"

	"github.com/bootward/bootward/agent/settings"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// applyWindowsSettings gives the applied system time zone, locale, owner and root's password. Without a password the
// account is disabled.
func (x *Executor) applyWindowsSettings(ctx context.Context, s *sequence.ApplyWindowsSettings, env *sequence.Environment) engine.Result {
	if x.Stage != status.StageBootImage {
		return failed(errors.New("the step belongs into the boot image, between applyOperatingSystem and setupOperatingSystem"))
	}
	if _, _, err := x.target(); err != nil {
		return failed(err)
	}
	var w settings.Windows
	err := settingsOf(env.Public(), []wantedSetting{
		{&w.TimeZone, s.TimeZone, []string{"OSDTimeZone"}}, {&w.Locale, s.Locale, []string{"OSDLocale"}},
		{&w.Owner, s.Owner, []string{"OSDRegisteredUserName"}}, {&w.Organization, s.Organization, []string{"OSDRegisteredOrgName"}}})
	if err != nil {
		return failed(err)
	}
	if w.Password, err = secret(env, s.AdministratorPassword, "OSDLocalAdminPassword"); err != nil {
		return failed(err)
	}
	if err := x.System.Windows(ctx, x.Root, w); err != nil {
		return failed(err)
	}
	said := []string{"root is disabled"}
	if w.Password != "" {
		said[0] = "root has a password"
	}
	if s.ProductKey != "" {
		said = append(said, "the product key is for Windows alone")
	}
	return engine.Result{Output: strings.Join(said, "\n")}
}
