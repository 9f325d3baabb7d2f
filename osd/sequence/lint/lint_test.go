package lint

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
)

// The beginning of many sequences: a disk and a system on it.
const (
	disk    = `{"partitionDisk":{"name":"P","style":"gpt","volumes":[{"type":"efi","size":"1GiB","fileSystem":"fat32"},{"type":"primary","size":"100%","fileSystem":"ext4","variable":"OSDisk"}]}},`
	apply   = `{"applyOperatingSystem":{"image":"i","to":"%OSDisk%"}},`
	setUp   = `{"setupOperatingSystem":{}},`
	install = disk + apply + setUp
)

func TestRules(t *testing.T) {
	command := func(text string) string {
		return fmt.Sprintf(`{"runCommandLine":{"command":%q}}`, text)
	}
	for _, tt := range []struct{ name, steps, want string }{
		{"clean", install + command("uname -n"), ""},
		{"cannot run", `{"enableBitLocker":{"protector":"tpm"}}`, "cannot-run error steps[0].enableBitLocker"},
		{"cannot run and goes on", `{"enableBitLocker":{"protector":"tpm","continueOnError":true}}`, "cannot-run warning steps[0].enableBitLocker"},
		{"disabled", `{"group":"G","disabled":true,"steps":[{"enableBitLocker":{"protector":"tpm"}}]}`, ""},
		{"cscript", command(`cscript.exe //nologo "%ScriptRoot%\\x.wsf"`), "unset-variable note steps[0].runCommandLine.command|windows-command warning steps[0].runCommandLine.command"},
		{"powershell", command("powershell -File x"), "windows-command warning steps[0].runCommandLine.command"},
		{"net use", command(`net use z: \\server\share`), "windows-command warning steps[0].runCommandLine.command"},
		{"setup.exe", command(`\\server\share\setup.exe /s`), "windows-command warning steps[0].runCommandLine.command"},
		{"no Windows", command("echo dismiss the cmdline, register; cat /etc/powershelf x.exec; ls /dev/net use; /opt/cmd/run; date +%Y-%m-%d"), ""},
		{"transfer", command("curl -f http://x/"), "no-timeout note steps[0].runCommandLine"},
		{"transfer with a limit", `{"runCommandLine":{"command":"curl http://x/","timeout":"1m"}},` + command("timeout 60 wget http://x/"), ""},
		{"set-up first", disk + setUp + apply + command("x"), "order error steps[1].setupOperatingSystem|stage error steps[2].applyOperatingSystem"},
		{"settings first", `{"applyNetworkSettings":{"workgroup":"W"}}`, "order error steps[0].applyNetworkSettings"},
		{"restart without set-up", disk + apply + `{"restartComputer":{"to":"installedOS"}}`, "order error steps[2].restartComputer"},
		{"restart into nothing", disk + `{"restartComputer":{"to":"installedOS"}}`, "order error steps[1].restartComputer"},
		{"restart in place", `{"restartComputer":{"to":"installedOS"}},` + command("x"), ""},
		{"erase behind the restart", install + strings.TrimSuffix(disk, ","), "same-name note steps[3].partitionDisk.name|stage error steps[3].partitionDisk"},
		{"erase in the boot image again", install + `{"restartComputer":{"to":"bootImage"}},` + strings.Replace(strings.TrimSuffix(disk, ","), `"P"`, `"Q"`, 1), ""},
		{"perhaps restarted", disk + apply + `{"setupOperatingSystem":{"condition":{"variable":"A","equals":"1"}}},` + `{"installSoftwareUpdates":{"updates":"all"}}`, ""},
		{"install in the boot image", disk + `{"installSoftwareUpdates":{"updates":"all"}}`, "stage error steps[1].installSoftwareUpdates"},
		{"install on a client", `{"installPackage":{"package":"p","program":"q"}}`, ""},
		{"no volume", apply + strings.TrimSuffix(disk, ","), "volume error steps[0].applyOperatingSystem.to"},
		{"a device by name", disk + `{"applyOperatingSystem":{"image":"i","to":"/dev/sda2"}}`, "volume warning steps[1].applyOperatingSystem.to"},
		{"a volume from elsewhere", `{"setTaskSequenceVariable":{"variable":"V","value":"/dev/sda2"}},{"applyDataImage":{"image":"i","to":"%V%"}}`, ""},
		{"nothing to start from", `{"partitionDisk":{"style":"gpt","volumes":[{"type":"primary","size":"100%","fileSystem":"ext4","variable":"OSDisk"}]}},` + strings.TrimSuffix(apply, ","), "boot-volume warning steps[0].partitionDisk.volumes"},
		{"a disk for data", `{"partitionDisk":{"style":"gpt","volumes":[{"type":"primary","size":"100%","fileSystem":"ext4"}]}}`, ""},
		{"UEFI on mbr", `{"partitionDisk":{"condition":{"variable":"_SMSTSBootUEFI","equals":"true"},"style":"mbr","volumes":[{"type":"primary","size":"100%","fileSystem":"ext4","variable":"OSDisk"}]}},` + strings.TrimSuffix(apply, ","), "boot-volume warning steps[0].partitionDisk.volumes"},
		{"BIOS on gpt", `{"group":"BIOS","condition":{"variable":"_smstsbootuefi","equals":"false"},"steps":[` + strings.TrimSuffix(disk, ",") + `]},` + strings.TrimSuffix(apply, ","), "boot-volume warning steps[0].steps[0].partitionDisk.volumes"},
		{"goes on half written", strings.Replace(disk, `"name":"P"`, `"name":"P","continueOnError":true`, 1) + strings.TrimSuffix(apply, ","), "continue-on-error warning steps[0].partitionDisk.continueOnError"},
		{"a built-in that is none", command("echo %_SMSTSModell%"), "unset-variable warning steps[0].runCommandLine.command"},
		{"a condition on none", `{"runCommandLine":{"command":"x","condition":{"variable":"_SMSTSModell","equals":"x"}}}`, "unset-variable warning steps[0].runCommandLine.condition"},
		{"built-in", command("echo %_SMSTSModel% %osdComputerName% %OSDAdapter0MACAddress%"), ""},
		{"built-in, of steps", `{"checkReadiness":{"memory":"2GiB","continueOnError":true}},{"runCommandLine":{"command":"echo %_SMSTSOrgName% %OSDJoinDomainName% %SMSConnectNetworkFolderPath%","condition":{"variable":"_TS_CRMEMORY","equals":"1"}}}`, ""},
		{"a secret in a command line", `{"setTaskSequenceVariable":{"variable":"P","value":"%Q%","secret":true}},{"runCommandLine":{"command":"x $P %p%"}}`, "secret-in-command error steps[1].runCommandLine.command"},
		{"a secret in the last command", `{"setTaskSequenceVariable":{"name":"A","variable":"P","value":"","secret":true}},{"setTaskSequenceVariable":{"name":"B","variable":"smstspostaction","value":"x %P%"}}`, "secret-in-command error steps[1].setTaskSequenceVariable.value"},
		{"a secret by its name", `{"setTaskSequenceVariable":{"variable":"P","value":"","secret":true}},{"runCommandLine":{"command":"x \"$P\""}}`, ""},
		{"known elsewhere", command("echo %Ward%"), ""},
		{"set before", `{"setTaskSequenceVariable":{"variable":"X","value":"1"}},{"runCommandLine":{"command":"echo %X%","secrets":{"Y":"y"}}}`, ""},
		{"once", command("echo %Qu%") + "," + command("echo %qU% x"), "unset-variable note steps[0].runCommandLine.command"},
		{"literal password", `{"setTaskSequenceVariable":{"variable":"JoinPassword","value":"hunter22"}}`, "literal-secret warning steps[0].setTaskSequenceVariable.value"},
		{"password by reference", `{"setTaskSequenceVariable":{"variable":"JoinPassword","value":"%OSDJoinPassword%"}}`, ""},
		{"password by rule", `{"setDynamicVariables":{"rules":[{"variables":{"Pwd":"hunter22"}}]}}`, "literal-secret warning steps[0].setDynamicVariables.rules[0].variables.Pwd"},
		{"password in a command", command("mount -o user=x,password=hunter22 //s/t /mnt"), ""},
		{"password as an option", command("tool --password=hunter22"), "literal-secret warning steps[0].runCommandLine.command"},
		{"password from the environment", command(`tool --password="$Password"`), ""},
		{"all disabled", `{"group":"G","steps":[{"runCommandLine":{"command":"x","disabled":true}}]}`, "never-runs note steps[0]"},
		{"two values", `{"runCommandLine":{"command":"x","condition":{"all":[{"variable":"A","equals":"1"},{"variable":"a","equals":"2"}]}}}`, "never-runs warning steps[0].runCommandLine.condition"},
		{"group and step", `{"group":"G","condition":{"variable":"_SMSTSBootUEFI","equals":"true"},"steps":[{"runCommandLine":{"command":"x","condition":{"variable":"_SMSTSBootUEFI","equals":"false"}}}]}`, "never-runs warning steps[0].steps[0].runCommandLine.condition"},
		{"a variable may change", `{"group":"G","condition":{"variable":"A","equals":"1"},"steps":[{"runCommandLine":{"command":"x","condition":{"variable":"A","equals":"2"}}}]}`, ""},
		{"missing and equal", `{"runCommandLine":{"command":"x","condition":{"all":[{"variable":"A","exists":false},{"variable":"A","like":"*"}]}}}`, "never-runs warning steps[0].runCommandLine.condition"},
		{"one or the other", `{"runCommandLine":{"command":"x","condition":{"any":[{"variable":"A","equals":"1"},{"variable":"A","equals":"2"}]}}}`, ""},
		{"two systems", `{"runCommandLine":{"command":"x","condition":{"all":[{"operatingSystem":"debian"},{"operatingSystem":"ubuntu"}]}}}`, "never-runs warning steps[0].runCommandLine.condition"},
		{"registry", `{"runCommandLine":{"command":"x","condition":{"registry":"HKLM\\X"}}}`, "condition warning steps[0].runCommandLine.condition"},
		{"unknown class", `{"runCommandLine":{"command":"x","condition":{"query":"SELECT * FROM Win32_Fan"}}}`, "condition warning steps[0].runCommandLine.condition"},
		{"another one may have done it", `{"runTaskSequence":{"sequence":"x"}},` + apply + setUp + command("echo %Q2%"), ""},
		{"state without a store", `{"captureUserState":{"continueOnError":true}}`, "cannot-run|state-store error steps[0].captureUserState"},
		{"store not released", `{"requestStateStore":{"for":"capture","continueOnError":true}}`, "cannot-run|state-store warning steps[0].requestStateStore"},
		{"store for the other", `{"requestStateStore":{"for":"restore"}},{"captureUserState":{}},{"releaseStateStore":{}}`, "cannot-run|cannot-run|state-store error steps[1].captureUserState|cannot-run"},
	} {
		s, err := sequence.Decode([]byte(`{"format":1,"requires":["secrets"],"name":"s","bootImage":"linux-x64","steps":[` + strings.TrimSuffix(tt.steps, ",") + `]}`))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		compare(t, tt.name, Lint(s, Around{Known: []string{"ward"}}), tt.want)
	}
}

// compare holds findings against words that each must begin with, apart from their order at one
// step.
func compare(t *testing.T, name string, found []Finding, want string) {
	t.Helper()
	var wants []string
	if want != "" {
		wants = strings.Split(want, "|")
	}
	ok := len(found) == len(wants)
	for _, w := range wants {
		hit := false
		for _, f := range found {
			hit = hit || strings.HasPrefix(fmt.Sprintf("%s %s %s", f.Rule, f.Severity, f.Field)+" ", w+" ")
		}
		ok = ok && hit
	}
	if !ok {
		t.Errorf("%s: got %+v, want %q", name, found, wants)
	}
	for _, f := range found {
		if f.Text == "" || f.Remedy == "" || strings.Contains(f.Text+f.Remedy, "hunter22") {
			t.Errorf("%s: a finding without help, or with a secret: %+v", name, f)
		}
	}
}

// TestOfTheSequence: findings that belong to no step come first.
func TestOfTheSequence(t *testing.T) {
	s, err := sequence.Decode([]byte(`{"format":1,"name":"s","variables":{"AdminPassword":"hunter22","X":"1"},"questions":[{"variable":"Bay","prompt":"Which bay?"}],
		"steps":[` + install + `{"runCommandLine":{"command":"curl x %X% %bay%"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	found := Lint(s, Around{})
	compare(t, "whole", found, "no-boot-image warning name|literal-secret warning variables.AdminPassword|no-timeout note steps[3].runCommandLine")
	if Worst(found) != Warning || Worst(nil) != "" || found[2].Rule != "no-timeout" {
		t.Errorf("%+v", found)
	}
}

// TestShippedSequences: what we ship is clean.
func TestShippedSequences(t *testing.T) {
	for _, file := range []string{"../../../examples/ward/sequence.yaml", "../../document/testdata/ward.yaml"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := document.Decode(file, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			if s, ok := o.(*sequence.Sequence); ok {
				compare(t, file, Lint(s, Around{Known: []string{"Ward"}}), "")
			}
		}
	}
}

// TestDiskIndex: two steps for different disks are told of where a variable leads both to one, unless it
// is set anew between them or a machine runs only one of them.
func TestDiskIndex(t *testing.T) {
	part := func(name string, disk int, more string) string {
		return fmt.Sprintf(`{"partitionDisk":{"name":%q,"style":"gpt","volumes":[{"type":"primary","size":"100%%"}]%s,"disk":%d}}`, name, more, disk)
	}
	when := func(value string) string {
		return `,"condition":{"variable":"_SMSTSBootUEFI","equals":"` + value + `"}`
	}
	set := func(value string) string {
		return `{"setTaskSequenceVariable":{"variable":"osddiskindex","value":"` + value + `"}}`
	}
	const told = "disk-index warning steps[1].partitionDisk.disk"
	two := part("P", 0, "") + "," + part("Q", 1, "")
	for _, tt := range []struct{ name, around, steps, want string }{
		{"by a collection", "OSDDiskIndex", two, told},
		{"by a variable", "", `{"setTaskSequenceVariable":{"variable":"X","value":""}},` + two, ""},
		{"by the sequence", "", set("2") + "," + two, strings.Replace(told, "1", "2", 1)},
		{"one of three", "OSDDiskIndex", part("P", 0, "") + "," + part("Q", 1, "") + "," + part("R", 1, when("true")), told},
		{"one disk", "OSDDiskIndex", part("P", 0, when("true")) + "," + part("Q", 0, ""), ""},
		{"of two kinds of machines", "OSDDiskIndex", part("P", 0, when("true")) + "," + part("Q", 1, when("false")), ""},
		{"set to nothing", "OSDDiskIndex", part("P", 0, "") + "," + set("") + "," + part("Q", 1, ""), ""},
		{"set anew", "OSDDiskIndex", part("P", 0, "") + "," + set("3") + "," + part("Q", 1, ""), ""},
		{"disabled", "OSDDiskIndex", part("P", 0, "") + "," + part("Q", 1, `,"disabled":true`), ""},
		{"selected", "OSDDiskIndex", part("P", 0, "") + "," + strings.Replace(part("Q", 0, `,"select":{"bus":"nvme"}`), `,"disk":0`, "", 1), ""},
	} {
		s, err := sequence.Decode([]byte(`{"format":1,"name":"s","bootImage":"b","steps":[` + tt.steps + `]}`))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		compare(t, tt.name, Lint(s, Around{Known: []string{tt.around}}), tt.want)
	}
}

// TestInner: of a sequence that another one runs, it is not known what came before.
func TestInner(t *testing.T) {
	s, err := sequence.Decode([]byte(`{"format":1,"name":"s","steps":[` + apply + setUp + `{"enableBitLocker":{"protector":"tpm"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "inner", Lint(s, Around{Inner: true}), "cannot-run error steps[2].enableBitLocker")
}

// TestLarge: a sequence as large as a file may be is looked at in time that grows with its size: a
// square of it would take minutes.
func TestLarge(t *testing.T) {
	list := func(n int, one func(i int) string) string {
		var all []string
		for i := range n {
			all = append(all, one(i))
		}
		return strings.Join(all, ",")
	}
	for name, steps := range map[string]string{
		"variables": `{"setDynamicVariables":{"rules":[{"variables":{` + list(30000, func(i int) string { return fmt.Sprintf(`"V%d":"%%V%d%%"`, i, i+1) }) + `}}]}}`,
		"questions": `{"runCommandLine":{"command":"x","condition":{"all":[` + list(30000, func(i int) string { return fmt.Sprintf(`{"variable":"A","notEquals":"%d"}`, i) }) + `]}}}`,
		"disks": list(500, func(i int) string {
			return fmt.Sprintf(`{"partitionDisk":{"style":"gpt","volumes":[{"type":"primary","size":"1GiB","fileSystem":"ext4","variable":"V%d"}]}},{"applyOperatingSystem":{"image":"I","to":"%s"}}`, i, strings.Repeat("%A%", 300))
		}),
	} {
		s, err := sequence.Decode([]byte(`{"format":1,"name":"s","steps":[` + steps + `]}`))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		done := make(chan int, 1)
		go func() { done <- len(Lint(s, Around{})) }()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatalf("%s: it takes more than a minute", name)
		}
	}
}

// FuzzLint: each finding is about a field of the sequence.
func FuzzLint(f *testing.F) {
	f.Add([]byte(`{"format":1,"name":"s","steps":[` + install + `{"group":"g","condition":{"any":[{"none":[{"file":"/x"}]}]},"steps":[{"runCommandLine":{"command":"cscript %x% --password=1"}}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := sequence.Decode(b)
		if err != nil {
			return
		}
		for _, found := range Lint(s, Around{}) {
			if !strings.HasPrefix(found.Field, "steps[") && !strings.HasPrefix(found.Field, "variables.") && found.Field != "name" {
				t.Errorf("%+v", found)
			}
		}
	})
}
