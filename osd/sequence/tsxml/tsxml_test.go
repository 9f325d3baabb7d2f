package tsxml

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/bootward/bootward/osd/sequence"
)

// sample puts nodes into a sequence.
func sample(nodes ...string) string {
	return `<?xml version="1.0"?>` + "\n" + `<sequence version="3.00" name="Ward" description="For wards">` + "\n" + strings.Join(nodes, "\n") + "\n</sequence>\n"
}

// command is a step that comes in without warnings.
const command = `<step type="SMS_TaskSequence_RunCommandLineAction" name="Say" successCodeList="0"><action>echo a</action></step>`

func mustImport(t *testing.T, src string) *Result {
	t.Helper()
	r, err := Import(strings.NewReader(src), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Sequence.Validate(); err != nil {
		t.Fatalf("the import does not validate: %v", err)
	}
	return r
}

func mustExport(t *testing.T, s *sequence.Sequence) string {
	t.Helper()
	b, err := Export(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func mustEqual(t *testing.T, a, b string) {
	t.Helper()
	if ok, difference := Equal([]byte(a), []byte(b)); !ok {
		t.Errorf("the export differs: %s\n%s", difference, b)
	}
}

// TestDocuments: where a sequence can stand.
func TestDocuments(t *testing.T) {
	inner := `<sequence version="3.10" name="Inner">` + command + `</sequence>`
	for _, tt := range []struct{ name, src, title string }{
		{"toolkit", sample(command), "Ward"},
		{"no name", `<sequence version="3.10">` + command + `</sequence>`, "Imported task sequence"},
		{"export of a package", `<SmsTaskSequencePackage xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><BootImageID>ABC00002</BootImageID><Name>Ward 7</Name><SequenceData><sequence version="3.00">` + command + `</sequence></SequenceData><SourceDate/></SmsTaskSequencePackage>`, "Ward 7"},
		{"text", `<INSTANCE CLASSNAME="SMS_TaskSequencePackage"><PROPERTY NAME="Sequence"><VALUE><![CDATA[` + inner + `]]></VALUE></PROPERTY><PROPERTY/></INSTANCE>`, "Inner"},
		{"escaped text", `<?xml version="1.0" encoding="utf-16"?><I><V>` + escape(`<?xml version="1.0" encoding="utf-16"?>`+inner) + `</V></I>`, "Inner"},
		{"text with CDATA in it", `<I><V><![CDATA[` + strings.Replace(inner, "echo a", "<![CDATA[echo a]]]]><![CDATA[>", 1) + `]]></V></I>`, "Inner"},
		{"a group", `<group name="State Restore">` + command + `</group>`, "Imported task sequence"},
		{"a step", "<!-- one -->" + command + "<!-- two -->", "Imported task sequence"},
		{"declaration behind a comment", "<!-- for reference -->\n" + sample(command), "Ward"},
		{"prefixes", `<p:x xmlns:p="urn:a" p:b="1">` + inner + `<p:y/></p:x>`, "Inner"},
		{"entities and CDATA", sample(`<group name="a &amp; &#x41; &quot;"><step name="a&#10;b"><action><![CDATA[a < b]]>&#13;` + "\r\n" + `</action></step></group>`), "Ward"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := mustImport(t, tt.src)
			if r.Sequence.Name != tt.title {
				t.Errorf("name %q, want %q", r.Sequence.Name, tt.title)
			}
			out := mustExport(t, r.Sequence)
			mustEqual(t, tt.src, out)
			mustEqual(t, out, mustExport(t, mustImport(t, out).Sequence))
		})
	}
}

// TestQuotedChange: a change comes through the document around a sequence.
func TestQuotedChange(t *testing.T) {
	src := `<I><V><![CDATA[<sequence>` + command + `</sequence>]]></V></I>`
	r := mustImport(t, src)
	s := sequence.Clone(r.Sequence.Steps[0].Step)
	s.Common().Name = "Tell"
	r.Sequence.Steps[0].Step = s
	mustEqual(t, strings.Replace(src, `"Say"`, `"Tell"`, 1), mustExport(t, r.Sequence))
}

// TestFragments: every node keeps its own XML and nothing else.
func TestFragments(t *testing.T) {
	r := mustImport(t, sample(`<group name="A" expand="true">`+command+`<condition/></group>`))
	if got, want := r.Sequence.Imported, sample(placeholder); got != want {
		t.Errorf("of the sequence:\n%s\nwant\n%s", got, want)
	}
	g := r.Sequence.Steps[0].Group
	if got, want := g.Imported, `<group name="A" expand="true">`+placeholder+`<condition/></group>`; got != want {
		t.Errorf("of the group: %s", got)
	}
	if got := g.Steps[0].Step.Common().Imported; got != command {
		t.Errorf("of the step: %s", got)
	}
}

func utf16Bytes(s string, order binary.AppendByteOrder, mark bool) []byte {
	if mark {
		s = "\ufeff" + s
	}
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

func TestEncodings(t *testing.T) {
	src := strings.Replace(sample(strings.Replace(command, "Say", "Größe € 日", 1)), "?>", ` encoding="utf-16"?>`, 1)
	plain := mustImport(t, src).Sequence
	for name, b := range map[string][]byte{
		"UTF-8 that declares UTF-16": []byte(src),
		"UTF-8 with a mark":          []byte("\ufeff" + src),
		"little endian":              utf16Bytes(src, binary.LittleEndian, true),
		"big endian":                 utf16Bytes(src, binary.BigEndian, true),
		"little endian, no mark":     utf16Bytes(src, binary.LittleEndian, false),
		"big endian, no mark":        utf16Bytes(src, binary.BigEndian, false),
	} {
		r, err := Import(bytes.NewReader(b), "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out := mustExport(t, r.Sequence)
		if mustEqual(t, src, out); !same(r.Sequence.Steps, plain.Steps) || !strings.Contains(out, `encoding="utf-8"`) {
			t.Errorf("%s:\n%s", name, out)
		}
	}
	western := []byte("<?xml version=\"1.0\" encoding=\"Windows-1252\"?><sequence><step name=\"Gr\xf6\xdfe \x80\"><action>a</action></step></sequence>")
	if r, err := Import(bytes.NewReader(western), ""); err != nil || r.Sequence.Steps[0].Step.Common().Name != "Größe €" {
		t.Errorf("windows-1252: %v", err)
	}
}

// TestNames: names and descriptions that the model does not take.
func TestNames(t *testing.T) {
	long := strings.Repeat("ä", 300)
	src := sample(`<group name="" description="`+long+`"><step name="`+long+`"><action>a</action></step><step name=""><action>a</action></step><step name="a&#9;b"><action>a</action></step></group>`,
		`<step name="x"><action>a</action></step><step name="x"><action>b</action></step>`)
	r, err := Import(strings.NewReader(src), strings.Repeat("n", 200)+"\x01")
	if err != nil {
		t.Fatal(err)
	}
	g := r.Sequence.Steps[0].Group
	if g.Name != "Group" || len([]rune(g.Description)) != 256 || len([]rune(g.Steps[0].Step.Common().Name)) != 50 || g.Steps[1].Step.Common().Name != "" || g.Steps[2].Step.Common().Name != "a b" {
		t.Errorf("%q %+v", g.Name, g.Steps)
	}
	if len(r.Sequence.Name) != 127 || len(r.Warnings) != 6 {
		t.Errorf("name of %d bytes, warnings %v", len(r.Sequence.Name), r.Warnings)
	}
	mustEqual(t, src, mustExport(t, r.Sequence))
}

// TestKept: what cannot run is kept, disabled, and named.
func TestKept(t *testing.T) {
	deep := strings.Repeat(`<group name="G">`, 11) + command + strings.Repeat(`</group>`, 11)
	volumes := ""
	for i := range 5 {
		volumes += fmt.Sprintf(`<variable name="OSDPartitions%dType" property="Partitions%dType">Primary</variable><variable name="OSDPartitions%dSize" property="Partitions%dSize">10</variable>`, i, i, i, i)
	}
	disk := `<step type="SMS_TaskSequence_PartitionDiskAction" name="Disk"><defaultVarList><variable name="OSDPartitionStyle" property="PartitionStyle">MBR</variable><variable name="OSDPartitions" property="Partitions">5</variable>` + volumes + `</defaultVarList></step>`
	for _, tt := range []struct{ name, node, xml, warning, path string }{
		{"type", `<step type="SMS_TaskSequence_InstallApplicationAction" name="App"/>`, "SMS_TaskSequence_InstallApplicationAction", "InstallApplicationAction are not known", "App"},
		{"no command", `<step name="Say"/>`, "SMS_TaskSequence_RunCommandLineAction", "runCommandLine.command", "Say"},
		{"five volumes", disk, "SMS_TaskSequence_PartitionDiskAction", "partitionDisk.volumes", "Disk"},
		{"account of Windows", `<step name="Say"><action>a</action><defaultVarList><variable name="x" property="RunAsUser">true</variable><variable name="y" property="UserName">WARD\a</variable></defaultVarList></step>`, "SMS_TaskSequence_RunCommandLineAction", `runCommandLine.runAs: "WARD\\a"`, "Say"},
		{"empty group", `<group name="Custom Tasks"></group>`, "group", "the group is empty", "Custom Tasks"},
		{"deep group", deep, "group", "more than 10 deep", strings.TrimSuffix(strings.Repeat("G > ", 11), " > ")},
		{"read-only variable", `<step type="SMS_TaskSequence_SetVariableAction" name="Set"><action>tsenv.exe "_SMSTSX=1"</action></step>`, "SMS_TaskSequence_SetVariableAction", "read-only", "Set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := sample(tt.node)
			r := mustImport(t, src)
			lines := r.Sequence.Flatten()
			u, ok := lines[len(lines)-1].Node.Step.(*sequence.Unknown)
			if !ok || !u.Disabled || u.XML != tt.xml {
				t.Fatalf("%+v", lines[len(lines)-1].Node)
			}
			w := r.Warnings[len(r.Warnings)-1]
			if w.Line != 3 || w.Path != tt.path || !strings.Contains(w.Text, tt.warning) {
				t.Errorf("warning %+v", w)
			}
			mustEqual(t, src, mustExport(t, r.Sequence))
		})
	}
}

// TestManyWarnings: there are no more than somebody may read.
func TestManyWarnings(t *testing.T) {
	var vars strings.Builder
	for i := range 600 {
		fmt.Fprintf(&vars, `<variable name="_x%d">1</variable>`, i)
	}
	r := mustImport(t, sample(`<globalVarList>`+vars.String()+`</globalVarList>`, command))
	if last := r.Warnings[len(r.Warnings)-1]; len(r.Warnings) != maxWarnings || !strings.Contains(last.Text, "100 more warnings") {
		t.Errorf("%d warnings, the last: %v", len(r.Warnings), last)
	}
}

// endless is a document without end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "<a>"[(e.read+i)%3]
	}
	e.read += len(p)
	return len(p), nil
}

func TestTooLarge(t *testing.T) {
	e := &endless{}
	if _, err := Import(e, ""); err == nil || !strings.Contains(err.Error(), "16 MiB") {
		t.Error(err)
	}
	if e.read > MaxSize+1<<20 {
		t.Errorf("%d bytes were read", e.read)
	}
	if _, err := Import(io.LimitReader(strings.NewReader(strings.Repeat("x", 100<<20)), 100<<20), ""); err == nil {
		t.Error("100 MiB were read")
	}
}

// TestRefused: bad input, and the error that says what is wrong.
func TestRefused(t *testing.T) {
	for want, src := range map[string]string{
		"document type":         `<!DOCTYPE sequence [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>` + sample(command),
		"document type, with":   `<!DOCTYPE sequence SYSTEM "file:///etc/passwd">` + sample(command),
		"entity":                sample(`<group name="&b;">` + command + `</group>`),
		"nested more than 64":   `<sequence>` + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + `</sequence>`,
		"more than 200000":      `<sequence>` + strings.Repeat("<a/>", 200_001) + `</sequence>`,
		"more than 64 attr":     `<sequence` + manyAttributes() + `>` + command + `</sequence>`,
		"attribute name twice":  `<sequence name="a" name="b"/>`,
		"holds at most 1000":    sample(strings.Repeat(command, 1001)),
		"at least one step":     `<sequence version="3.10" />`,
		"holds no <sequence>":   `<package/>`,
		"text stands outside":   sample(command) + "more",
		"second document":       sample(command) + "<a/>",
		"</b> closes nothing":   `<sequence><a></b></sequence>`,
		"was cut off":           `<sequence><group name="a">`,
		"ZIP archive":           "PK\x03\x04abcd",
		"in the encoding utf-8": "<sequence name=\"\xff\"/>",
		"half a character":      "\xff\xfe<",
		"<?bootward-node?>":     sample(placeholder),
		"the text in <V> holds": `<I><V>&lt;a&gt;&lt;sequence2/&gt;&lt;/a&gt;</V></I>`,
		"line 1":                `<sequence><a b=c/></sequence>`,
		"at the beginning":      `<sequence>` + command + `<?xml version="1.0"?></sequence>`,
	} {
		if _, err := Import(strings.NewReader(src), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}

func manyAttributes() string {
	var b strings.Builder
	for i := range 65 {
		fmt.Fprintf(&b, ` a%d="x"`, i)
	}
	return b.String()
}

func TestEqual(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{`<a x="1" y="2"/>`, `<a y='2'  x="1"></a>`, true},
		{"<a>\n <b/>\n</a>", "<a><b></b></a>", true},
		{`<a>x &lt; y</a>`, `<a><![CDATA[x < y]]></a>`, true},
		{`<?xml version="1.0"?><a/>`, `<?xml version="1.0" encoding="utf-8"?><a/>`, true},
		{`<a> </a>`, `<a></a>`, false},
		{`<a> x</a>`, `<a>x</a>`, false},
		{`<a x=""/>`, `<a/>`, false},
		{`<a><b/><c/></a>`, `<a><c/><b/></a>`, false},
		{`<a><b/></a>`, `<a/>`, false},
		{`<a/>`, `<a><b/></a>`, false},
		{`<a><!--x--></a>`, `<a></a>`, false},
		{`<a/>`, `<a`, false},
	} {
		if ok, difference := Equal([]byte(tt.a), []byte(tt.b)); ok != tt.want || ok != (difference == "") {
			t.Errorf("%s and %s: %t, %q", tt.a, tt.b, ok, difference)
		}
	}
}
