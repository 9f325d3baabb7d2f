package tsxml

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd/sequence"
)

func express(kind string, pairs ...string) string { return expressionXML(kind, pairs...) }

// conditionStep is a step with a condition and an attribute runIn.
func conditionStep(runIn, condition string) string {
	return sample(`<step name="Say" runIn="` + runIn + `"><action>echo</action><condition>` + condition + `</condition></step>`)
}

func TestConditions(t *testing.T) {
	type c = sequence.Condition
	type is = sequence.Comparison
	variable := func(op, value string) string {
		return express("Variable", "Operator", op, "Value", value, "Variable", "A")
	}
	some := c{Variable: "A", Comparison: is{Exists: pointer(true)}}
	for _, tt := range []struct {
		name, runIn, xml string
		want             *c
	}{
		{"none", "WinPEandFullOS", ``, nil},
		{"empty operator", "", `<operator type="and"></operator>`, nil},
		{"exists", "", variable("exists", ""), &some},
		{"not exists", "", variable("notExists", ""), &c{Variable: "A", Comparison: is{Exists: pointer(false)}}},
		{"equals nothing", "", variable("equals", ""), &c{Variable: "A", Comparison: is{Equals: pointer("")}}},
		{"not equals", "", variable("notEquals", "1"), &c{Variable: "A", Comparison: is{NotEquals: pointer("1")}}},
		{"greater", "", variable("greater", "1"), &c{Variable: "A", Comparison: is{Greater: pointer("1")}}},
		{"greater or equal", "", variable("greaterEqual", "1"), &c{Variable: "A", Comparison: is{GreaterOrEqual: pointer("1")}}},
		{"less", "", variable("LESS", "1"), &c{Variable: "A", Comparison: is{Less: pointer("1")}}},
		{"less or equal", "", variable("lessEqual", "1"), &c{Variable: "A", Comparison: is{LessOrEqual: pointer("1")}}},
		{"like", "", variable("like", "a*"), &c{Variable: "A", Comparison: is{Like: pointer("a*")}}},
		{"not like", "", variable("notLike", "a*"), &c{Variable: "A", Comparison: is{NotLike: pointer("a*")}}},
		{"implicit and", "", variable("exists", "") + variable("exists", ""), &c{All: []c{some, some}}},
		{"operators", "", `<operator type="or"><operator type="not">` + variable("exists", "") + `</operator><operator type="and">` + variable("exists", "") + `</operator></operator>`,
			&c{Any: []c{{None: []c{some}}, {All: []c{some}}}}},
		{"query", "", express("WMI", "Namespace", `root\other`, "Query", "SELECT * FROM Win32_BIOS"), &c{Query: "SELECT * FROM Win32_BIOS"}},
		{"file", "", express("File", "Path", `C:\a.txt`), &c{File: `C:\a.txt`}},
		{"file changed", "", express("File", "Path", "/a", "DateTimeOperator", "greater", "DateTime", "20260131120000.000000+000"), &c{File: "/a", Comparison: is{Greater: pointer("2026-01-31T12:00:00Z")}}},
		{"folder changed", "", express("Folder", "Path", "/a", "DateTimeOperator", "less", "DateTime", "2026-01-31T12:00:00"), &c{Folder: "/a", Comparison: is{Less: pointer("2026-01-31T12:00:00Z")}}},
		{"software", "", express("Software", "Operator", "AnyVersion", "ProductName", "Office", "UpgradeCode", "{1}"), &c{Software: "Office"}},
		{"software, version", "", express("Software", "Operator", "ThisVersion", "ProductCode", "{2}", "Version", "1.0"), &c{Software: "{2}", Comparison: is{Equals: pointer("1.0")}}},
		{"registry", "", express("Registry", "Operator", "nonExists", "KeyPath", `HKLM\A`), &c{Registry: `HKLM\A`, Comparison: is{Exists: pointer(false)}}},
		{"registry value", "", express("Registry", "Operator", "equals", "KeyPath", `HKLM\A`, "Value", "b", "Data", "1", "Type", "REG_SZ"), &c{Registry: `HKLM\A\b`, Comparison: is{Equals: pointer("1")}}},
		{"system", "", `<osConditionGroup type="or"><osExpressionGroup type="and" name="Windows 10"><platformKey arch="x64"/>` + express("WMI", "Query", "SELECT * FROM Win32_OperatingSystem WHERE Version like '10.%'") + `</osExpressionGroup></osConditionGroup>`,
			&c{Any: []c{{All: []c{{Query: "SELECT * FROM Win32_OperatingSystem WHERE Version like '10.%'"}}}}}},
		{"make and model", "", express("MakeModel", "Make", "Dell*", "Model", "*"), &c{All: []c{like("_SMSTSMake", "Dell*"), like("_SMSTSModel", "*")}}},
		{"boot image", "WinPE", ``, stage("WinPE")},
		{"system, with more", "FullOS", variable("exists", ""), &c{All: []c{*stage("FullOS"), some}}},
		{"system, with and", "FullOS", variable("exists", "") + variable("exists", ""), &c{All: []c{*stage("FullOS"), some, some}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := conditionStep(tt.runIn, tt.xml)
			r := mustImport(t, src)
			if diff := cmp.Diff(tt.want, r.Sequence.Steps[0].Step.Common().Condition); diff != "" || len(r.Warnings) > 0 {
				t.Errorf("condition (-want +got):\n%s\nwarnings: %v", diff, r.Warnings)
			}
			mustEqual(t, src, mustExport(t, r.Sequence))
			// The same, written without the XML it came from.
			again := mustImport(t, mustExport(t, bare(r.Sequence)))
			if diff := cmp.Diff(tt.want, again.Sequence.Steps[0].Step.Common().Condition); diff != "" {
				t.Errorf("written anew (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConditionsInexpressible: a step whose condition cannot be expressed does not run.
func TestConditionsInexpressible(t *testing.T) {
	deep := strings.Repeat(`<operator type="and">`, 12) + express("Variable", "Operator", "exists", "Variable", "A") + strings.Repeat(`</operator>`, 12)
	for want, xml := range map[string]string{
		`"SMS_TaskSequence_LanguageConditionExpression"`: express("Language", "Language", "de"),
		"<other>":                   `<other/>`,
		`comparison "near"`:         express("Variable", "Operator", "near", "Variable", "A"),
		`operator "xor"`:            `<operator type="xor">` + express("Variable", "Operator", "exists", "Variable", "A") + `</operator>`,
		"version of a file":         express("File", "Path", "/a", "VersionOperator", "less", "Version", "1"),
		`time "yesterday"`:          express("File", "Path", "/a", "DateTimeOperator", "less", "DateTime", "yesterday"),
		"condition.all[1].query":    express("WMI", "Query", "ASSOCIATORS OF {Win32_BIOS}"),
		"condition.all[1].variable": express("Variable", "Operator", "exists", "Variable", "%A%"),
		"condition":                 express("Variable", "Operator", "exists", "Variable", ""),
		"can be nested 10 deep":     deep,
	} {
		src := conditionStep("WinPE", xml)
		r := mustImport(t, src)
		s, ok := r.Sequence.Steps[0].Step.(*sequence.Unknown)
		if !ok || !s.Disabled || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0].Text, want) {
			t.Errorf("%s: %+v, warnings %v", want, s, r.Warnings)
		}
		mustEqual(t, src, mustExport(t, r.Sequence))

		group := sample(`<group name="All"><condition>` + xml + `</condition>` + command + `</group>`)
		r = mustImport(t, group)
		if g := r.Sequence.Steps[0].Group; !g.Disabled || g.Condition != nil || len(r.Warnings) != 1 {
			t.Errorf("%s: group %+v, warnings %v", want, g, r.Warnings)
		}
		mustEqual(t, group, mustExport(t, r.Sequence))
	}
}
