package tsxml

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// input gives access to the variables of a step. Each has the name of a variable of the sequence
// and that of a property of the step's class; the names of properties are the firmer ones.
type input struct {
	el                 *element
	byProperty, byName map[string]*element // lower case
	warn               func(text string, args ...any)
}

func newInput(e *element) *input {
	in := &input{el: e, byProperty: map[string]*element{}, byName: map[string]*element{}, warn: func(string, ...any) {}}
	for _, list := range e.elements("defaultVarList") {
		for _, v := range list.elements("variable") {
			for names, key := range map[*map[string]*element]string{&in.byProperty: v.attr("property"), &in.byName: v.attr("name")} {
				if key = strings.ToLower(key); (*names)[key] == nil {
					(*names)[key] = v
				}
			}
		}
	}
	return in
}

// element is the variable of a property, or nil. names are those that it may have instead.
func (in *input) element(property string, names ...string) *element {
	if v := in.byProperty[strings.ToLower(property)]; v != nil {
		return v
	}
	for _, name := range append(names, property) {
		if v := in.byName[strings.ToLower(name)]; v != nil {
			return v
		}
	}
	return nil
}

func (in *input) find(property string, names ...string) (string, *element) {
	v := in.element(property, names...)
	if v == nil {
		return "", nil
	}
	return v.text(), v
}

func (in *input) get(property string, names ...string) string {
	value, _ := in.find(property, names...)
	return value
}

func (in *input) bool(property string, names ...string) bool {
	return isTrue(in.get(property, names...))
}

// int is a number; 0 where there is none. A warning says what could not be read.
func (in *input) int(property string, names ...string) int {
	text := strings.TrimSpace(in.get(property, names...))
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		in.warn("%s %q is kept for export and does not count here: it is no number", property, text)
	}
	return n
}

// output takes what a step is in XML.
type output struct {
	vars   []variable
	attrs  []attribute
	action string   // command line of the step's program
	lost   []string // fields that XML has no place for
}

type variable struct{ property, name, value string }

// attribute is an attribute of a node. Some have a variable beside them that says the same.
type attribute struct{ name, value, property string }

func (o *output) set(property, name, value string) {
	o.vars = append(o.vars, variable{property, cmp.Or(name, property), value})
}

func (o *output) bool(property, name string, value bool) {
	o.set(property, name, strconv.FormatBool(value))
}

// int leaves 0 out.
func (o *output) int(property, name string, value int) {
	text := ""
	if value != 0 {
		text = strconv.Itoa(value)
	}
	o.set(property, name, text)
}

// cannot notes a field that is given and has no place in XML.
func (o *output) cannot(field string, given bool) {
	if given {
		o.lost = append(o.lost, field)
	}
}

func (o *output) run(format string, args ...any) { o.action = fmt.Sprintf(format, args...) }

// codec reads and writes the fields of one type of step.
type codec struct {
	read  func(*input) sequence.Step
	write func(*output, sequence.Step)
}

func of[T sequence.Step](read func(*input) T, write func(*output, T)) codec {
	return codec{
		func(in *input) sequence.Step { return read(in) },
		func(out *output, s sequence.Step) { write(out, s.(T)) },
	}
}

// codecs are those of every type that has a name in XML.
func codecs() map[sequence.Type]codec {
	return map[sequence.Type]codec{
		sequence.TypeRunCommandLine:           of(readRunCommandLine, writeRunCommandLine),
		sequence.TypeRunPowerShellScript:      of(readRunPowerShellScript, writeRunPowerShellScript),
		sequence.TypeSetTaskSequenceVariable:  of(readSetVariable, writeSetVariable),
		sequence.TypeSetDynamicVariables:      of(readDynamicVariables, writeDynamicVariables),
		sequence.TypeRunTaskSequence:          of(readRunTaskSequence, writeRunTaskSequence),
		sequence.TypeCheckReadiness:           of(readCheckReadiness, writeCheckReadiness),
		sequence.TypeConnectToNetworkFolder:   of(readConnect, writeConnect),
		sequence.TypeJoinDomainOrWorkgroup:    of(readJoin, writeJoin),
		sequence.TypeRestartComputer:          of(readRestart, writeRestart),
		sequence.TypeInstallPackage:           of(readInstallPackage, writeInstallPackage),
		sequence.TypeInstallSoftwareUpdates:   of(readUpdates, writeUpdates),
		sequence.TypeDownloadPackageContent:   of(readDownload, writeDownload),
		sequence.TypePartitionDisk:            of(readPartitionDisk, writePartitionDisk),
		sequence.TypeConvertDiskToDynamic:     of(readConvert, writeConvert),
		sequence.TypeEnableBitLocker:          of(readEnableBitLocker, writeEnableBitLocker),
		sequence.TypeDisableBitLocker:         of(readDisableBitLocker, writeDisableBitLocker),
		sequence.TypePreprovisionBitLocker:    of(readPreprovision, writePreprovision),
		sequence.TypeRequestStateStore:        of(readRequestStore, writeRequestStore),
		sequence.TypeCaptureUserState:         of(readCaptureState, writeCaptureState),
		sequence.TypeRestoreUserState:         of(readRestoreState, writeRestoreState),
		sequence.TypeReleaseStateStore:        of(empty[*sequence.ReleaseStateStore], program[*sequence.ReleaseStateStore]("osdsmpclient.exe /release")),
		sequence.TypeApplyOperatingSystem:     of(readApplyOS, writeApplyOS),
		sequence.TypeApplyDataImage:           of(readApplyData, writeApplyData),
		sequence.TypeSetupOperatingSystem:     of(empty[*sequence.SetupOperatingSystem], program[*sequence.SetupOperatingSystem]("OSDSetupWindows.exe")),
		sequence.TypeInstallDeploymentTools:   of(readDeployTools, writeDeployTools),
		sequence.TypePrepareClientForCapture:  of(empty[*sequence.PrepareClientForCapture], program[*sequence.PrepareClientForCapture]("OSDPrepareSmsClient.exe")),
		sequence.TypePrepareWindowsForCapture: of(readPrepareOS, writePrepareOS),
		sequence.TypeCaptureOperatingSystem:   of(readCaptureImage, writeCaptureImage),
		sequence.TypeAutoApplyDrivers:         of(readAutoApply, writeAutoApply),
		sequence.TypeApplyDriverPackage:       of(readDriverPackage, writeDriverPackage),
		sequence.TypeCaptureNetworkSettings:   of(readCaptureNetwork, writeCaptureNetwork),
		sequence.TypeCaptureWindowsSettings:   of(readCaptureWindows, writeCaptureWindows),
		sequence.TypeApplyNetworkSettings:     of(readNetwork, writeNetwork),
		sequence.TypeApplyWindowsSettings:     of(readWindows, writeWindows),
	}
}

// empty reads a step without fields.
func empty[T sequence.Step](*input) T {
	var t T
	return sequence.New(t.Type()).(T)
}

// program writes a step without fields.
func program[T sequence.Step](command string) func(*output, T) {
	return func(out *output, _ T) { out.action = command }
}
