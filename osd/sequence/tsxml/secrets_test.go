package tsxml

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/bootward/bootward/internal/canary"
	"github.com/bootward/bootward/osd/sequence"
)

const word = "Gx7-canary&quot;word"

// TestSecrets: a password in the XML is in nothing that comes out.
func TestSecrets(t *testing.T) {
	step := func(kind, vars, action string) string {
		return `<step type="SMS_TaskSequence_` + kind + `" name="S" successCodeList="0"><action>` + action + `</action><defaultVarList>` + vars + `</defaultVarList></step>`
	}
	v := func(name, property, value string) string {
		return `<variable name="` + name + `" property="` + property + `">` + value + `</variable>`
	}
	join := v("OSDJoinType", "Type", "0") + v("OSDJoinDomainName", "DomainName", "example.org") + v("OSDJoinAccount", "DomainUsername", "join") + v("OSDJoinPassword", "DomainPassword", word)
	rules := `&lt;Rules&gt;&lt;Rule&gt;&lt;Variables&gt;&lt;Variable Name="X" IsSecret="true"&gt;` + strings.ReplaceAll(word, "&", "&amp;") + `&lt;/Variable&gt;&lt;/Variables&gt;&lt;/Rule&gt;&lt;/Rules&gt;`
	for name, src := range map[string]string{
		"join":              sample(step("JoinDomainWorkgroupAction", join, "osdjoin.exe")),
		"account":           sample(step("RunCommandLineAction", v("SMSTSRunCommandLineUserPassword", "UserPassword", word)+v("CommandLine", "CommandLine", "net use /user:a "+word), "smsswd.exe /run: net use /user:a "+word)),
		"toolkit account":   sample(step("RunCommandLineAction", v("SMSTSRunCommandLineUserPassword", "SMSTSRunCommandLineUserPassword", "<![CDATA[Gx7-canary\"word]]>"), "echo")),
		"administrator":     sample(step("ApplyWindowsSettingsAction", v("OSDRandomAdminPassword", "RandomAdminPassword", "false")+v("OSDLocalAdminPassword", "AdminPassword", word)+v("OSDProductKey", "ProductKey", word), "osdwinsettings.exe")),
		"unknown step":      sample(step("Odd", v("OddPassword", "OddPassword", word), "odd.exe /p:"+word)),
		"PIN":               sample(step("EnableBitLockerAction", v("OSDBitLockerMode", "Mode", "TPM")+v("OSDBitLockerPIN", "PIN", word), "x")),
		"set":               sample(step("SetVariableAction", v("VariableName", "VariableName", "OSDJoinPassword")+v("VariableValue", "VariableValue", word), `tsenv.exe "OSDJoinPassword=`+word+`"`)),
		"set, hidden":       sample(step("SetVariableAction", v("VariableName", "VariableName", "A")+v("VariableValue", "VariableValue", word)+v("DoNotShowVariableValue", "DoNotShowVariableValue", "true"), `tsenv.exe "A=`+word+`" /hiddenflag:True`)),
		"rule":              sample(step("SetDynamicVariablesAction", v("OSDSetDynamicVariablesRules", "Rules", rules), "x")),
		"all steps":         sample(`<globalVarList>`+v("DomainAdminPassword", "DomainAdminPassword", word)+`</globalVarList>`, command),
		"in a group":        sample(`<group name="A"><group name="B">` + step("JoinDomainWorkgroupAction", join, "osdjoin.exe") + `</group></group>`),
		"quoted":            `<I><V><![CDATA[` + sample(step("JoinDomainWorkgroupAction", join, "osdjoin.exe")) + `]]></V></I>`,
		"quoted beside":     `<I><V><![CDATA[` + sample(step("JoinDomainWorkgroupAction", join, "osdjoin.exe")) + `]]></V>` + sample(command)[len(`<?xml version="1.0"?>`):] + `</I>`,
		"variable in other": sample(step("Odd", `<variable name="Password">`+word+`<variable name="Password">`+word+`</variable></variable>`, "x")),
	} {
		t.Run(name, func(t *testing.T) {
			r := mustImport(t, src)
			if len(r.Warnings) == 0 || !strings.Contains(r.Warnings[0].Text, "stripped") {
				t.Errorf("warnings: %v", r.Warnings)
			}
			model, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			out := mustExport(t, r.Sequence)
			for _, plant := range []string{"Gx7-canary", "canary&quot;word", `canary\"word`} {
				if where, found := canary.Find([]byte(string(model)+out), plant); found {
					t.Errorf("%s\n%s", where, out)
				}
			}
			mustEqual(t, out, mustExport(t, mustImport(t, out).Sequence))
		})
	}
}

// TestSecretsInPlace: the model names the variable that took the place of a password.
func TestSecretsInPlace(t *testing.T) {
	r := mustImport(t, sample(`<step type="SMS_TaskSequence_JoinDomainWorkgroupAction" name="Join"><defaultVarList><variable name="OSDJoinDomainName" property="DomainName">a</variable>`+
		`<variable name="OSDJoinAccount" property="DomainUsername">j</variable><variable name="OSDJoinPassword" property="DomainPassword">1</variable></defaultVarList></step>`,
		`<step type="SMS_TaskSequence_SetVariableAction" name="Set"><defaultVarList><variable name="VariableName" property="VariableName">AdminPassword</variable><variable name="VariableValue" property="VariableValue">1</variable></defaultVarList></step>`))
	if j := r.Sequence.Steps[0].Step.(*sequence.JoinDomainOrWorkgroup); j.Password != "%OSDJoinPassword%" || j.Disabled {
		t.Errorf("%+v", j)
	}
	if s := r.Sequence.Steps[1].Step.(*sequence.SetTaskSequenceVariable); s.Value != "" || !s.Disabled {
		t.Errorf("%+v", s)
	}
}

// TestNoSecrets: what sounds like a secret and is none stays.
func TestNoSecrets(t *testing.T) {
	src := sample(`<globalVarList><variable name="SkipProductKey" property="SkipProductKey">YES</variable></globalVarList>`,
		`<step type="SMS_TaskSequence_EnableBitLockerAction" name="B"><defaultVarList><variable name="OSDBitLockerMode" property="BdeInstall">TPM</variable><variable name="OSDBitLockerCreateRecoveryPassword" property="BdeRecoveryPassword">AD</variable>`+
			`<variable name="OSDBitLockerPIN" property="PIN">%Pin%</variable></defaultVarList></step>`)
	r := mustImport(t, src)
	if len(r.Warnings) > 0 {
		t.Error(r.Warnings)
	}
	mustEqual(t, src, mustExport(t, r.Sequence))
}
