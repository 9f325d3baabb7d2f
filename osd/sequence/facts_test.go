package sequence

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// thing is a machine with one file, one package and a Debian 12.
type thing struct{}

func (thing) Changed(path string, folder bool) (time.Time, bool, error) {
	if path == "/broken" {
		return time.Time{}, false, errors.New("input/output error")
	}
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), path == "/etc/hosts" && !folder || path == "/etc" && folder, nil
}

func (thing) OperatingSystem() (string, string, bool, error) { return "debian", "12", true, nil }

func (thing) Software(name string) (string, bool, error) { return "1:2.10-3", name == "samba", nil }

func (thing) Query(text string) (bool, string, error) {
	if strings.Contains(text, "Win32_Fan") {
		return false, "class Win32_Fan is not known", nil
	}
	return strings.Contains(text, "LIKE 'Opti%'"), "", nil
}

func TestConditionOnFacts(t *testing.T) {
	e := environment(t, "Where", "/etc")
	s := func(v string) *string { return &v }
	no := false
	for _, tt := range []struct {
		c       Condition
		want    bool
		why     string
		warning string
	}{
		{Condition{File: "%Where%/hosts"}, true, "file %Where%/hosts exists", ""},
		{Condition{File: "/etc"}, false, "does not exist", ""},
		{Condition{Folder: "/etc"}, true, "exists", ""},
		{Condition{Folder: "/srv", Comparison: Comparison{Exists: &no}}, true, "does not exist", ""},
		{Condition{File: "/etc/hosts", Comparison: Comparison{Less: s("2026-02-01T00:00:00Z")}}, true, "2026-01-02T03:04:05Z", ""},
		{Condition{File: "/etc/hosts", Comparison: Comparison{Greater: s("2026-02-01T00:00:00Z")}}, false, "not greater than", ""},
		{Condition{OperatingSystem: "Debian"}, true, "the operating system is Debian", ""},
		{Condition{OperatingSystem: "debian", Comparison: Comparison{GreaterOrEqual: s("9")}}, true, "at least", ""},
		{Condition{OperatingSystem: "ubuntu", Comparison: Comparison{GreaterOrEqual: s("9")}}, false, "this is debian 12, not ubuntu", ""},
		{Condition{OperatingSystem: "ubuntu", Comparison: Comparison{Exists: &no}}, true, "this is debian 12, not ubuntu", ""},
		{Condition{Software: "samba", Comparison: Comparison{Less: s("1:2.9")}}, false, "not less than", ""},
		{Condition{Software: "nginx"}, false, "software nginx is not installed", ""},
		{Condition{Software: "samba"}, true, "software samba is installed", ""},
		{Condition{Query: "SELECT * FROM Win32_ComputerSystem WHERE Model LIKE 'Opti%'"}, true, "found", ""},
		{Condition{Query: "SELECT * FROM Win32_Fan"}, false, "nothing found", "not known"},
		{Condition{Registry: `HKLM\Software\X`}, false, "", "no registry"},
		{Condition{None: []Condition{{Software: "nginx"}, {File: "/etc"}}}, true, "software nginx is not installed; file /etc does not exist", ""},
		{Condition{All: []Condition{{Software: "samba"}, {File: "/etc"}, {Query: "SELECT * FROM Win32_Fan"}}}, false, "file /etc does not exist", ""},
	} {
		j, err := tt.c.Judge(e, thing{})
		if err != nil || j.Holds != tt.want || !strings.Contains(j.Why, tt.why) || !strings.Contains(strings.Join(j.Warnings, ";"), tt.warning) || tt.warning == "" && len(j.Warnings) > 0 {
			t.Errorf("%+v: %+v, %v", tt.c, j, err)
		}
	}
	if _, err := (&Condition{File: "/broken"}).Holds(e, thing{}); err == nil || !strings.Contains(err.Error(), "condition on file /broken") {
		t.Errorf("a file that cannot be looked at: %v", err)
	}
	if _, err := (&Condition{File: "/x"}).Holds(e, nil); !errors.Is(err, errNoFacts) {
		t.Errorf("without facts: %v", err)
	}
}
