package step

import (
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/domain"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/readiness"
	"github.com/bootward/bootward/agent/settings"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// facts is a machine with one file.
type facts struct{ sequence.Facts }

func (facts) Changed(path string, _ bool) (time.Time, bool, error) {
	return time.Time{}, path == "/etc/ward", nil
}

// one runs the first step of a sequence with variables in pairs of name and value, and one secret.
func one(t *testing.T, text string, f *fake, stage string, pairs ...string) (engine.Result, *sequence.Environment) {
	t.Helper()
	s := steps(t, text)
	x := executor(t, s, f)
	x.Stage, x.Facts = stage, facts{}
	if err := x.Folder.WriteJSON(job.FileDisk, job.Layout{Device: "/dev/vda", Target: "/dev/vda3", Volumes: []job.Volume{{Device: "/dev/vda3", FileSystem: "ext4"}}}); err != nil {
		t.Fatal(err)
	}
	env := sequence.NewEnvironment()
	for i := 0; i < len(pairs); i += 2 {
		if err := env.Set(pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	loan, err := env.Lend(map[string]string{"Pw": "100%A% geheim"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(loan.Back)
	res := x.Execute(t.Context(), s.Flatten()[0], env)
	said := res.Output + strings.Join(f.calls, "\n")
	if res.Err != nil {
		said += res.Err.Error()
	}
	if strings.Contains(said, "geheim") {
		t.Errorf("the secret is shown: %s", said)
	}
	return res, env
}

func get(env *sequence.Environment, name string) string {
	v, _ := env.Get(name)
	return v
}

func TestSetDynamicVariables(t *testing.T) {
	res, env := one(t, `
  - setDynamicVariables:
      rules:
        - {condition: {variable: Model, like: "Opti*"}, variables: {Kind: desktop, Also: "%Kind%-%Model%"}}
        - {condition: {file: /etc/shadow}, variables: {Kind: never}}
        - {condition: {file: /etc/ward}, variables: {Ward: "%Kind%"}}
        - {variables: {Hidden: "x%Pw%"}}
`, &fake{}, status.StageBootImage, "Model", "OptiPlex", "Kind", "old")
	if res.Err != nil || get(env, "Kind") != "desktop" || get(env, "Also") != "old-OptiPlex" || get(env, "Ward") != "desktop" {
		t.Errorf("%v, %v", res.Err, env.All())
	}
	if !slices.Contains(env.Secrets(), "Hidden") || !strings.Contains(res.Output, "Hidden = ********") || !strings.Contains(res.Output, "rule 2 does not hold") {
		t.Errorf("%s", res.Output)
	}
}

func TestCheckReadiness(t *testing.T) {
	const all = "  - checkReadiness: {memory: 2GiB, processorMHz: 1000, diskSpace: 16GiB, firmware: uefi, acPower: true, wiredNetwork: true}\n"
	const part = `
  - group: BIOS
    condition: {variable: No, exists: true}
    steps: [{partitionDisk: {disk: 5, style: mbr, volumes: [{type: primary, size: 100%, fileSystem: ext4}]}}]
  - partitionDisk: {disk: 1, style: gpt, volumes: [{type: primary, size: 100%, fileSystem: ext4}]}
`
	fit := readiness.Machine{Memory: 2 << 30, ProcessorMHz: 2000, ACPower: true, Wired: []string{"eth0"}, Disk: 20 << 30, DiskName: "free space of /"}
	disks := []disk.Disk{{Name: "vda", Number: 0, Size: 8 << 30}, {Name: "vdb", Number: 1, Size: 16 << 30}}
	res, env := one(t, all+part, &fake{ready: fit, disks: disks}, status.StageBootImage)
	if res.Err != nil || get(env, "_TS_CRDISK") != "1" || !strings.Contains(res.Output, "vdb") {
		t.Errorf("%v\n%s", res.Err, res.Output)
	}
	res, _ = one(t, all, &fake{ready: fit}, status.StageInstalledSystem)
	if res.Err != nil || !strings.Contains(res.Output, "free space of / is 20") {
		t.Errorf("%v\n%s", res.Err, res.Output)
	}
	res, env = one(t, all, &fake{ready: readiness.Machine{Memory: 1 << 30}}, status.StageBootImage)
	if res.Err == nil || get(env, "_TS_CRMEMORY") != "0" || get(env, "_TS_CRUEFI") != "1" {
		t.Fatalf("%v, %v", res.Err, env.All())
	}
	for _, want := range []string{"memory is 1 GiB, at least 2 GiB is wanted", "clock is not known", "no step that partitions one will run", "its battery", "live: none"} {
		if !strings.Contains(res.Err.Error(), want) {
			t.Errorf("no %q in %v", want, res.Err)
		}
	}
	if strings.Contains(res.Err.Error(), "uefi") {
		t.Errorf("what is right is named as wrong: %v", res.Err)
	}
}

func TestConnectToNetworkFolder(t *testing.T) {
	const text = "  - connectToNetworkFolder: {path: '\\\\files\\%Dir%$', to: /mnt/share, account: 'WARD\\deploy', password: \"%Pw%\", secrets: {Pw: share}}\n"
	f := &fake{}
	res, _ := one(t, text, f, status.StageBootImage, "Dir", "deploy")
	if res.Err != nil || f.calls[0] != "connect //files/deploy$ /mnt/share" || f.share.Domain != "WARD" || f.share.User != "deploy" || f.share.Password != "100%A% geheim" {
		t.Errorf("%v, %q, %+v", res.Err, f.calls, f.share)
	}
	f = &fake{}
	res, _ = one(t, text, f, status.StageBootImage, "SMSConnectNetworkFolderPath", "//other/x", "SMSConnectNetworkFolderAccount", "me")
	if res.Err != nil || f.calls[0] != "connect //other/x /mnt/share" || f.share.User != "me" {
		t.Errorf("%v, %q", res.Err, f.calls)
	}
	for text, want := range map[string]string{
		"  - connectToNetworkFolder: {path: //files/%Nothing%, to: /mnt/x}\n":                                "variable Nothing, which is not set",
		"  - connectToNetworkFolder: {path: //files/x, to: /}\n":                                             "give the folder",
		"  - connectToNetworkFolder: {path: //files/x, to: /mnt/x, account: me, password: \"%Other%\"}\n":    "variable Other is not set",
		"  - connectToNetworkFolder: {path: //files/x, to: /mnt/x, account: \"%Pw%\", password: \"%Pw%\"}\n": "variable Pw, which is not set",
	} {
		f := &fake{}
		if res, _ := one(t, text, f, status.StageBootImage); res.Err == nil || !strings.Contains(res.Err.Error(), want) || len(f.calls) > 0 {
			t.Errorf("%s: %v", text, res.Err)
		}
	}
}

func TestJoinDomainOrWorkgroup(t *testing.T) {
	const text = "  - joinDomainOrWorkgroup: {domain: ward.example, ou: \"OU=%Ward%\", account: deploy, password: \"%Pw%\", secrets: {Pw: join}}\n"
	f := &fake{}
	res, _ := one(t, text, f, status.StageInstalledSystem, "Ward", "W7", "OSDWorkgroupName", "OTHER", "OSDNetworkJoinType", "1")
	if res.Err != nil || f.calls[0] != "join ward-pc-1 ward.example OU=W7 deploy" || f.join.Password != "100%A% geheim" {
		t.Errorf("%v, %q, %+v", res.Err, f.calls, f.join)
	}
	f = &fake{}
	res, _ = one(t, text, f, status.StageInstalledSystem, "Ward", "W7", "OSDJoinDomainName", "b.example", "OSDJoinAccount", "me", "OSDJoinPassword", "other", "OSDComputerName", "pc-%Ward%")
	if res.Err != nil || f.calls[0] != "join pc-W7 b.example OU=W7 me" || f.join.Password != "other" {
		t.Errorf("%v, %q, %+v", res.Err, f.calls, f.join)
	}
	if res, _ := one(t, text, &fake{}, status.StageBootImage); res.Err == nil || !strings.Contains(res.Err.Error(), "behind setupOperatingSystem") {
		t.Errorf("in the boot image: %v", res.Err)
	}
	f = &fake{}
	res, env := one(t, "  - joinDomainOrWorkgroup: {workgroup: WARD}\n", f, status.StageInstalledSystem)
	if res.Err != nil || f.calls[0] != "workgroup / WARD" || !strings.Contains(res.Output, "no Samba") || get(env, "OSDWorkgroupName") != "WARD" || get(env, "OSDNetworkJoinType") != "1" {
		t.Errorf("%v, %q, %s, %v", res.Err, f.calls, res.Output, env.All())
	}
}

// TestSecretSetting: a variable that wins over a field is not passed over because it is secret, where
// the step shows what it works with: it says so.
func TestSecretSetting(t *testing.T) {
	env := sequence.NewEnvironment()
	if err := env.SetSecret("OSDJoinAccount", "geheim"); err != nil {
		t.Fatal(err)
	}
	if got, err := setting(env.Public(), "deploy", "OSDJoinAccount"); err == nil || !strings.Contains(err.Error(), "OSDJoinAccount is secret") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestApplyWindowsSettings(t *testing.T) {
	const text = "  - applyWindowsSettings: {owner: Ward 7, organization: Trust, timeZone: GMT Standard Time, locale: en_GB.UTF-8, administratorPassword: \"%Pw%\", productKey: \"%Key%\", secrets: {Pw: root}}\n"
	f := &fake{}
	res, _ := one(t, text, f, status.StageBootImage, "OSDTimeZone", "Europe/Berlin")
	if res.Err != nil || f.calls[1] != `windows "Europe/Berlin" "en_GB.UTF-8" "Ward 7" "Trust"` || f.windows.Password != "100%A% geheim" || !strings.Contains(res.Output, "for Windows alone") {
		t.Errorf("%v, %q, %s", res.Err, f.calls, res.Output)
	}
	f = &fake{}
	res, _ = one(t, "  - applyWindowsSettings: {}\n", f, status.StageBootImage, "OSDRegisteredUserName", "Me")
	if res.Err != nil || f.calls[1] != `windows "" "" "Me" ""` || f.windows.Password != "" || res.Output != "root is disabled" {
		t.Errorf("%v, %q, %s", res.Err, f.calls, res.Output)
	}
	for _, tt := range [][2]string{{status.StageInstalledSystem, "belongs into the boot image"}, {status.StageBootImage, "variable Pw2 is not set"}} {
		f := &fake{}
		if res, _ := one(t, strings.ReplaceAll(text, "%Pw%", "%Pw2%"), f, tt[0]); res.Err == nil || !strings.Contains(res.Err.Error(), tt[1]) || len(f.windows.Owner) > 0 {
			t.Errorf("%v", res.Err)
		}
	}
}

func TestCaptureWindowsSettings(t *testing.T) {
	const text = "  - captureWindowsSettings: {computerName: true, owner: true, timeZone: true}\n"
	f := &fake{now: Captured{HostName: "old-pc", Windows: settings.Windows{TimeZone: "Europe/Paris", Locale: "fr_FR.UTF-8", Registration: settings.Registration{Owner: "Me"}}}}
	res, env := one(t, text, f, status.StageInstalledSystem)
	want := map[string]string{"OSDComputerName": "old-pc", "OSDTimeZone": "Europe/Paris", "OSDRegisteredUserName": "Me", "Pw": "100%A% geheim"}
	if res.Err != nil || !reflect.DeepEqual(env.All(), want) || !strings.Contains(res.Output, "OSDRegisteredOrgName: the system has none") {
		t.Errorf("%v, %v, %s", res.Err, env.All(), res.Output)
	}
	if res, _ := one(t, text, f, status.StageBootImage); res.Err == nil || !strings.Contains(res.Err.Error(), "running clients") {
		t.Errorf("in the boot image: %v", res.Err)
	}
}

// TestNetworkRoundTrip: what was captured is what is applied, whatever adapters the step itself has.
func TestNetworkRoundTrip(t *testing.T) {
	want := []settings.Link{
		{MAC: net.HardwareAddr{0x52, 0x54, 0, 1, 2, 3}, Addresses: []netip.Prefix{netip.MustParsePrefix("10.1.2.3/24"), netip.MustParsePrefix("2001:db8::3/64")},
			Gateways: []netip.Addr{netip.MustParseAddr("10.1.2.1")}, DNS: []netip.Addr{netip.MustParseAddr("10.1.2.1"), netip.MustParseAddr("10.1.2.2")}, Search: []string{"a.example", "b.example"}},
		{MAC: net.HardwareAddr{0x52, 0x54, 0, 1, 2, 4}, DHCP: true},
	}
	res, env := one(t, "  - captureNetworkSettings: {adapters: true, membership: true}\n", &fake{links: want, now: Captured{Membership: domain.Membership{Workgroup: "WARD"}}}, status.StageInstalledSystem)
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	for name, value := range map[string]string{"OSDAdapterCount": "2", "OSDAdapter0IPAddressList": "10.1.2.3,2001:db8::3", "OSDAdapter0SubnetMask": "255.255.255.0,64", "OSDAdapter0MacAddress": "52:54:00:01:02:03",
		"OSDAdapter1EnableDHCP": "true", "OSDNetworkJoinType": "1", "OSDWorkgroupName": "WARD"} {
		if get(env, name) != value {
			t.Errorf("%s = %q, want %q", name, get(env, name), value)
		}
	}
	s, f := steps(t, "  - applyNetworkSettings: {workgroup: OTHER, adapters: [{dhcp: true}]}\n"), &fake{samba: true}
	x := executor(t, s, f)
	links, err := x.links(s.Flatten()[0].Node.Step.(*sequence.ApplyNetworkSettings), env)
	if err != nil || !reflect.DeepEqual(links, want) {
		t.Errorf("got  %+v, %v\nwant %+v", links, err, want)
	}
	if err := x.Folder.WriteJSON(job.FileDisk, job.Layout{Target: "/dev/vda1", Volumes: []job.Volume{{Device: "/dev/vda1", FileSystem: "ext4"}}}); err != nil {
		t.Fatal(err)
	}
	if res := x.Execute(t.Context(), s.Flatten()[0], env); res.Err != nil || !slices.Contains(f.calls, "workgroup target WARD") || !strings.Contains(res.Output, "the workgroup is WARD") {
		t.Errorf("%v, %q, %s", res.Err, f.calls, res.Output)
	}
}

func TestAdapterVariables(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"OSDAdapterCount=1,OSDAdapter0IPAddressList=10.1.2.3,OSDAdapter0SubnetMask=255.255.255.128", "52:54:00:12:34:56 false [10.1.2.3/25]"},
		{"OSDAdapterCount=1,OSDAdapter0IPAddressList=10.1.2.3/16", "52:54:00:12:34:56 false [10.1.2.3/16]"},
		{"OSDAdapterCount=1,OSDAdapter0EnableDHCP=TRUE,OSDAdapter0IPAddressList=10.1.2.3", "52:54:00:12:34:56 true []"},
		{"OSDAdapterCount=2,OSDAdapter1MacAddress=52-54-00-00-00-01", "52:54:00:12:34:56 true []; 52:54:00:00:00:01 true []"},
		{"OSDAdapter0IPAddressList=10.1.2.3", ""},
		{"OSDAdapterCount=0", ""},
		{"OSDAdapterCount=x", "OSDAdapterCount is"},
		{"OSDAdapterCount=1000000", "OSDAdapterCount is"},
		{"OSDAdapterCount=2", "OSDAdapter1…"},
		{"OSDAdapterCount=1,OSDAdapter0IPAddressList=10.1.2.3", "no subnet mask"},
		{"OSDAdapterCount=1,OSDAdapter0IPAddressList=10.1.2.3,OSDAdapter0SubnetMask=255.0.255.0", "subnet mask \"255.0.255.0\""},
		{"OSDAdapterCount=1,OSDAdapter0IPAddressList=10.1.2.3,OSDAdapter0SubnetMask=33", "prefix length out of range"},
	} {
		env := sequence.NewEnvironment()
		for _, pair := range strings.Split(tt.name, ",") {
			name, value, _ := strings.Cut(pair, "=")
			if err := env.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		links, _, err := adapterLinks(env, "52:54:00:12:34:56")
		var got []string
		for _, l := range links {
			got = append(got, strings.TrimSpace(strings.Join([]string{l.MAC.String(), map[bool]string{true: "true", false: "false"}[l.DHCP], strings.ReplaceAll("["+join(l.Addresses)+"]", ",", " ")}, " ")))
		}
		if s := strings.Join(got, "; "); err == nil && s != tt.want || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %s, %v", tt.name, s, err)
		}
	}
}
