package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// guides are the variables of the guide and its successors that the engine sets or that steer it.
const guides = `_SMSTSInWinPE _SMSTSLaunchMode _SMSTSMediaType _SMSTSBootUEFI _TSSecureBoot
	_SMSTSMake _SMSTSModel _SMSTSSerialNumber _SMSTSUUID _SMSTSAssetTag _SMSTSMacAddresses _SMSTSIPAddresses _SMSTSDefaultGateways
	_SMSTSMachineName _SMSTSMP _SMSTSSiteCode _SMSTSPackageID _SMSTSPackageName _SMSTSAdvertID _SMSTSBootImageID _SMSTSOrgName
	_SMSTSCurrentActionName _SMSTSInstructionTableSize _SMSTSNextInstructionPointer _SMSTSLastActionRetCode _SMSTSLastActionSucceeded
	_SMSTSLogPath _SMSTSTimezone _OSDDetectedWinDir
	SMSTSRebootRequested SMSTSRebootDelay SMSTSRebootMessage SMSTSRetryRequested SMSTSPostAction SMSTSErrorDialogTimeout TSDebugMode
	SMSTSPreferredAdvertID SMSTSDownloadRetryCount SMSTSDownloadRetryDelay SMSTSPersistContent SMSTSLocalDataDrive`

// code is what the programs of a folder hold, without tests.
func code(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("folder %q has no code: %v", dir, err)
	}
	var all strings.Builder
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	return all.String()
}

// TestVariableTable holds the table of docs/formats/sequence.md against the code: each variable
// is named where the table says, and one that has no meaning here nowhere.
func TestVariableTable(t *testing.T) {
	raw, err := os.ReadFile("../docs/formats/sequence.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // variable: folder
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || !strings.Contains(cells[2], "set") && !strings.Contains(cells[2], "honoured") && !strings.Contains(cells[2], "no meaning") {
			continue
		}
		for _, name := range strings.Split(cells[1], ",") {
			rows[strings.Trim(name, " `")] = strings.Trim(cells[3], " `")
		}
	}
	everywhere := ""
	for _, dir := range []string{"agent", "agent/step", "agent/machine", "osd/sequence", "osd/sequence/engine", "osd/inventory"} {
		everywhere += code(t, dir)
	}
	for _, name := range strings.Fields(guides) {
		dir, ok := rows[name]
		delete(rows, name)
		switch {
		case !ok:
			t.Errorf("%s is not in the table", name)
		case dir == "" && strings.Contains(everywhere, `"`+name+`"`):
			t.Errorf("the table says that %s has no meaning here, and the code names it", name)
		case dir != "" && !strings.Contains(code(t, dir), `"`+name+`"`):
			t.Errorf("the table says that %s is in %s, and it is not", name, dir)
		}
	}
	for name := range rows {
		t.Errorf("the table has %s, which this test does not know", name)
	}
}
