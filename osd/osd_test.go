package osd

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"52:54:00:AB:cd:ef": "52:54:00:ab:cd:ef", "52-54-00-ab-cd-ef": "52:54:00:ab:cd:ef",
		"5254.00ab.cdef": "52:54:00:ab:cd:ef", "525400abcdef": "52:54:00:ab:cd:ef", "52:54": "", "52:54:00:ab:cd:eg": "", "": "",
	} {
		if got, err := NormalizeMAC(in); got != want || (err == nil) != (want != "") {
			t.Errorf("MAC %q: %q, %v", in, got, err)
		}
	}
	const guid = "33221100-5544-7766-8899-aabbccddeeff"
	for in, want := range map[string]string{
		strings.Repeat("0", 32): "", strings.Repeat("Ff", 16): "",
		guid: guid, "{33221100-5544-7766-8899-AABBCCDDEEFF}": guid, "33221100554477668899aabbccddeeff": guid, "33221100": "", "": "",
	} {
		if got, err := NormalizeGUID(in); got != want || (err == nil) != (want != "") {
			t.Errorf("GUID %q: %q, %v", in, got, err)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("52:54:00:ab:cd:ef")
	f.Add("{33221100-5544-7766-8899-AABBCCDDEEFF}")
	f.Fuzz(func(t *testing.T, s string) {
		for _, normalize := range []func(string) (string, error){NormalizeMAC, NormalizeGUID} {
			one, err := normalize(s)
			if err != nil {
				continue
			}
			if two, err := normalize(one); err != nil || two != one {
				t.Errorf("%q: %q, then %q, %v", s, one, two, err)
			}
		}
	})
}

// TestValidate: each wrong field is named, with a remedy.
func TestValidate(t *testing.T) {
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	mac := []string{"52:54:00:12:34:56"}
	tests := []struct {
		name   string
		object Object
		field  string // "" is valid
	}{
		{"computer", &Computer{Meta: Meta{Name: "ward-pc-1"}, MACs: mac}, ""},
		{"computer by GUID", &Computer{Meta: Meta{Name: "a"}, SMBIOSGUID: "33221100554477668899aabbccddeeff"}, ""},
		{"computer's name", &Computer{Meta: Meta{Name: "ward pc"}, MACs: mac}, "name"},
		{"computer's hyphen", &Computer{Meta: Meta{Name: "-a"}, MACs: mac}, "name"},
		{"computer without labels", &Computer{Meta: Meta{Name: "a"}}, "macs"},
		{"computer's MAC", &Computer{Meta: Meta{Name: "a"}, MACs: []string{mac[0], "x"}}, "macs[1]"},
		{"computer with the broadcast address", &Computer{Meta: Meta{Name: "a"}, MACs: []string{"FF-FF-FF-FF-FF-FF"}}, "macs[0]"},
		{"computer with a group address", &Computer{Meta: Meta{Name: "a"}, MACs: []string{"01:00:5e:00:00:01"}}, "macs[0]"},
		{"computer with no address", &Computer{Meta: Meta{Name: "a"}, MACs: []string{"000000000000"}}, "macs[0]"},
		{"computer with the GUID of those that have none", &Computer{Meta: Meta{Name: "a"}, MACs: mac, SMBIOSGUID: "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"}, "smbiosGUID"},
		{"computer's GUID", &Computer{Meta: Meta{Name: "a"}, MACs: mac, SMBIOSGUID: "1"}, "smbiosGUID"},
		{"collection", &Collection{Meta: Meta{Name: "Ward"}, Members: []string{"a", "b"}}, ""},
		{"collection twice", &Collection{Meta: Meta{Name: "Ward"}, Members: []string{"a", "a"}}, "members[1]"},
		{"members of all", &Collection{Meta: Meta{Name: AllSystems}, Members: []string{"a"}}, "members"},
		{"box", &Box{Meta: Meta{Name: "ward-7"}}, ""},
		{"box's delay", &Box{Meta: Meta{Name: "b"}, PXE: PXE{DelaySeconds: 33}}, "pxe.delaySeconds"},
		{"a PXE server by name", &Box{Meta: Meta{Name: "b"}, PXE: PXE{KnownPXEServers: []string{"10.77.0.9", "wds"}}}, "pxe.knownPXEServers[1]"},
		{"box's exclusion", &Box{Meta: Meta{Name: "b"}, PXE: PXE{ExcludeMACs: []string{"z"}}}, "pxe.excludeMACs[0]"},
		{"package", &Package{Meta: Meta{Name: "Tools"}, Content: Content{Manifest: "sha256:" + strings.Repeat("a", 64)}}, ""},
		{"package's manifest", &Package{Meta: Meta{Name: "Tools"}, Content: Content{Manifest: "md5:1"}}, "manifest"},
		{"image without a name", &Image{}, "name"},
		{"boot image", &BootImage{Meta: Meta{Name: "b"}, Architecture: "arm"}, "architecture"},
		{"a shell without an agent", &BootImage{Meta: Meta{Name: "b"}, Agent: AgentNone, CommandSupport: true}, "commandSupport"},
		{"a shell in Windows PE", &BootImage{Meta: Meta{Name: "b"}, Windows: &WindowsBoot{}, CommandSupport: true}, "commandSupport"},
		{"advertisement", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", Mandatory: []string{AsSoonAsPossible, "2026-12-01T18:00:00Z"}}, ""},
		{"advertisement's collection", &Advertisement{Meta: Meta{Name: "a"}, Sequence: "s"}, "collection"},
		{"advertisement's sequence", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c"}, "sequence"},
		{"advertisement's time", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", Mandatory: []string{"soon"}}, "mandatory[0]"},
		{"advertisement's rerun", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", Rerun: "often"}, "rerun"},
		{"advertisement's end", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", Start: Moment(at.Format(time.RFC3339)), Expires: Moment(at.Format(time.RFC3339))}, "expires"},
		{"advertisement's grants", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", GrantDays: 91}, "grantDays"},
		{"advertisement's recurrence", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", Mandatory: []string{"daily at 02:00"}, TimeZone: "Europe/London"}, ""},
		{"advertisement's zone", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", TimeZone: "Ward/7"}, "timeZone"},
		{"logon at a boot image", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", Mandatory: []string{AtLogon}}, "availableTo"},
		{"advertisement's names", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", ComputerName: "W12-%_SMSTSSerialNumber"}, "computerName"},
		{"advertisement's options", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", Mandatory: []string{AsSoonAsPossible}, Content: ContentDownload, RemoteDistributionPoint: true, ShowProgress: new(bool), Text: "two\nlines", WakeOnLAN: true}, ""},
		{"advertisement's content", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", Content: "copy"}, "content"},
		{"advertisement's text", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", Text: strings.Repeat("x", 501)}, "text"},
		{"advertisement's text with power over terminals", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", Text: "\x1b[2J"}, "text"},
		{"wake for nothing", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", WakeOnLAN: true}, "wakeOnLAN"},
		{"wake for a logon", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", Mandatory: []string{AtLogon}, AvailableTo: []string{ToRunningClients}, WakeOnLAN: true}, "wakeOnLAN"},
		{"package's boxes", &Package{Meta: Meta{Name: "p"}, Distribution: Distribution{Boxes: []string{"a", "b", "a"}}}, "boxes[2]"},
		{"image's boxes", &Image{Meta: Meta{Name: "p"}, Distribution: Distribution{Boxes: []string{"a", AllBoxes}}}, "boxes[1]"},
		{"boot image's boxes", &BootImage{Meta: Meta{Name: "p"}, Distribution: Distribution{Boxes: []string{""}}}, "boxes[0]"},
		{"folder", &Advertisement{Meta: Meta{Name: "a", Folder: "Wards//North"}, Collection: "c", Sequence: "s"}, "folder"},
		{"queries of all", &Collection{Meta: Meta{Name: AllSystems}, Queries: []QueryRule{{Query: "x"}}}, "members"},
		{"window without length", &Collection{Meta: Meta{Name: "k"}, MaintenanceWindows: []MaintenanceWindow{{}}}, "maintenanceWindows[0].duration"},
		{"protected without boundaries", &Box{Meta: Meta{Name: "b"}, Protected: true}, "protected"},
		{"boundary", &Box{Meta: Meta{Name: "b"}, Boundaries: []string{"a", "a"}}, "boundaries[1]"},
		{"settings", &SiteSettings{Meta: Meta{Name: "other"}}, "name"},
		{"association", &Association{Meta: Meta{Name: "a"}}, "source"},
		{"advertisement's machines", &Advertisement{Meta: Meta{Name: "a"}, Collection: "c", Sequence: "s", ConfirmedMachines: -1}, "confirmedMachines"},
	}
	for _, tt := range tests {
		err := tt.object.Validate()
		var f *FieldError
		switch {
		case tt.field == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.field != "" && (!errors.As(err, &f) || f.Field != tt.field || f.Remedy == ""):
			t.Errorf("%s: got %v, want field %s", tt.name, err, tt.field)
		}
	}
}

func TestAdvertisementTimes(t *testing.T) {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	moment := func(t time.Time) Moment { return Moment(t.Format(time.RFC3339)) }
	a := Advertisement{Start: moment(at), Expires: moment(at.Add(time.Hour)), Mandatory: []string{at.Add(time.Minute).Format(time.RFC3339)}}
	for _, tt := range []struct {
		now       time.Time
		open, due bool
	}{{at.Add(-time.Second), false, false}, {at, true, false}, {at.Add(time.Minute), true, true}, {at.Add(time.Hour), false, true}} {
		if _, due := a.Due(tt.now, ""); a.Open(tt.now) != tt.open || due != tt.due {
			t.Errorf("%s: open %v, due %v", tt.now, a.Open(tt.now), due)
		}
	}
}

// TestLocalTimes: a time without a zone is read in that of the advertisement.
func TestLocalTimes(t *testing.T) {
	a := Advertisement{Start: "2026-07-01T09:00", Expires: "2026-07-01 17:30", TimeZone: "Europe/London"}
	if got := a.StartTime().UTC().Format("15:04"); got != "08:00" {
		t.Errorf("start %s", got)
	}
	if got := a.ExpiryTime().UTC().Format("15:04"); got != "16:30" {
		t.Errorf("end %s", got)
	}
}

func TestCheckComputerName(t *testing.T) {
	for name, good := range map[string]bool{
		"W12-4711": true, "a": true, "": false, "-a": false, "a-": false, "12345": false, "a_b": false, "sixteen-letters-": false, "a234567890123456": false, "ä": false,
	} {
		if err := CheckComputerName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestSharedMACs(t *testing.T) {
	s := SiteSettings{Meta: Meta{Name: SettingsName}, SharedMACs: []string{"00-50-B6", "52:54:00:00:00:01"}}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	for mac, want := range map[string]bool{"00:50:b6:01:02:03": true, "52:54:00:00:00:01": true, "52:54:00:00:00:02": false} {
		if s.Shared(mac) != want {
			t.Errorf("%s: %v", mac, !want)
		}
	}
}
