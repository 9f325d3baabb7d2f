package sequence

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bootward/bootward/osd"
)

// The variables that change Format and Partition Disk.
const (
	variableDisk       = "OSDDiskIndex"
	variableStyle      = "OSDPartitionStyle"
	variablePartitions = "OSDPartitions"
)

// WithVariables is the step as variables change it: OSDDiskIndex is its disk,
// OSDPartitionStyle its style, and OSDPartitions<n>Type and the like, n from 0, are all of
// its volumes. An element that is there in part, a gap between elements and a variable of an
// element that no step reads are errors: half an override would erase a disk for a layout
// that nobody wrote down. The step itself stays as it is.
func (p *PartitionDisk) WithVariables(env *Environment) (*PartitionDisk, error) {
	out := *p
	disk, err := env.value(variableDisk)
	if err != nil {
		return nil, err
	}
	if disk != "" {
		if out.Disk, err = strconv.Atoi(disk); err != nil || out.Disk < 0 || out.Disk > 99 {
			return nil, fmt.Errorf("variable %s is %q; give the number of a disk, from 0", variableDisk, disk)
		}
		if p.Select != nil {
			return nil, fmt.Errorf("variable %s is %q, and the step selects its disk by what it is: take the variable away, or give the step disk in place of select", variableDisk, disk)
		}
	}
	style, err := env.value(variableStyle)
	if err != nil {
		return nil, err
	}
	out.Style = cmp.Or(strings.ToLower(style), p.Style)
	volumes, err := env.partitions(out.Style)
	if err != nil {
		return nil, err
	}
	if volumes != nil {
		if slices.ContainsFunc(p.Volumes, func(v Volume) bool { return v.Encryption != nil }) {
			return nil, fmt.Errorf("variable %s0Type replaces the volumes of the step, and some of these are encrypted, which variables cannot say: take the variables away", variablePartitions)
		}
		out.Volumes = volumes
	}
	c := &checker{}
	out.check(c)
	if err := errors.Join(c.errs...); err != nil {
		return nil, fmt.Errorf("with the variables %s and %s: %w", variableStyle, variablePartitions, err)
	}
	return &out, nil
}

// value is the expanded value of a variable.
func (e *Environment) value(name string) (string, error) {
	text, err := e.shown(e.Public(), name) // names of volumes stand in command lines
	return strings.TrimSpace(text), err
}

var element = regexp.MustCompile(`(?i)^OSDPartitions([0-9]+)([a-z]+)$`)

// partitions reads the elements of OSDPartitions; nil if there are none.
func (e *Environment) partitions(style string) ([]Volume, error) {
	elements := map[int]map[string]string{}
	for name := range e.All() {
		m := element.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		value, err := e.value(name)
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || strconv.Itoa(n) != m[1] { // 00 beside 0 would be two values of one
			return nil, fmt.Errorf("variable %s: write the number of the partition as 0, 1 and so on", name)
		}
		if elements[n] == nil {
			elements[n] = map[string]string{}
		}
		elements[n][strings.ToLower(m[2])] = value
	}
	count, err := e.value(variablePartitions)
	if err != nil {
		return nil, err
	}
	if n := strconv.Itoa(len(elements)); count != "" && count != n {
		return nil, fmt.Errorf("variable %s is %q, and there are variables of %s partitions: give their number, or leave it out", variablePartitions, count, n)
	}
	var out []Volume
	var errs []error
	for n := range len(elements) {
		if elements[n] == nil {
			return nil, fmt.Errorf("variable %s%dType is missing: partitions are numbered from 0 without gaps", variablePartitions, n)
		}
		v, err := partition(n, style, elements[n])
		out, errs = append(out, v), append(errs, err)
	}
	return out, errors.Join(errs...)
}

// property is one of an element, with the field of Volume that it sets.
type property struct{ name, field string }

var properties = []property{
	{"Type", "type"}, {"FileSystem", "fileSystem"}, {"Bootable", "bootable"}, {"QuickFormat", "quickFormat"},
	{"VolumeName", "name"}, {"Size", "size"}, {"SizeUnits", "size"}, {"VolumeLetterVariable", "variable"},
}

// partition makes a volume of the properties of element n, by their names in lower case.
func partition(n int, style string, from map[string]string) (Volume, error) {
	variable := func(name string) string { return fmt.Sprintf("%s%d%s", variablePartitions, n, name) }
	for name := range from {
		if !slices.ContainsFunc(properties, func(p property) bool { return strings.EqualFold(p.name, name) }) {
			return Volume{}, fmt.Errorf("variable %s: there is no such property of a partition", variable(name))
		}
	}
	v := Volume{Name: from["volumename"], FileSystem: strings.ToLower(from["filesystem"]), Variable: from["volumelettervariable"]}
	switch kind := strings.ToLower(from["type"]); kind {
	case "biosboot":
		v.Type = "biosBoot"
	case "hidden":
		v.Type = "recovery"
	case "":
		return v, fmt.Errorf("variable %s is missing: give Primary, EFI, MSR, Recovery, BIOSBoot, Extended or Logical", variable("Type"))
	default:
		v.Type = kind
	}
	var errs [3]error
	v.Bootable, errs[0] = yesOrNo(variable("Bootable"), from["bootable"])
	v.QuickFormat, errs[1] = yesOrNo(variable("QuickFormat"), from["quickformat"])
	v.Size, errs[2] = partitionSize(variable, from["size"], from["sizeunits"])
	if err := errors.Join(errs[:]...); err != nil {
		return v, err
	}
	c := &checker{}
	c.volume("", style, v)
	return v, ofVariables(c.errs, variable)
}

func yesOrNo(variable, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, fmt.Errorf("variable %s is %q; give true or false", variable, value)
}

// partitionSize takes megabytes and gigabytes as the product's disk tools do: as powers of
// two. A partition without a size takes what is left.
func partitionSize(variable func(string) string, size, units string) (string, error) {
	if size == "" {
		return "100%", nil
	}
	if n, err := strconv.ParseUint(size, 10, 32); err != nil || n == 0 {
		return "", fmt.Errorf("variable %s is %q; give a whole number, and its unit in %s", variable("Size"), size, variable("SizeUnits"))
	}
	switch strings.ToLower(units) {
	case "", "mb":
		return size + "MiB", nil
	case "gb":
		return size + "GiB", nil
	case "percent":
		return size + "%", nil
	}
	return "", fmt.Errorf("variable %s is %q; give MB, GB or Percent", variable("SizeUnits"), units)
}

// ofVariables turns errors of fields into errors of the variables that set them.
func ofVariables(errs []error, variable func(string) string) error {
	var out []error
	for _, err := range errs {
		var f *osd.FieldError
		if !errors.As(err, &f) {
			out = append(out, err)
			continue
		}
		field := strings.TrimPrefix(f.Field, ".")
		i := slices.IndexFunc(properties, func(p property) bool { return p.field == field })
		if i >= 0 {
			field = variable(properties[i].name)
		}
		out = append(out, fmt.Errorf("variable %s: %q: %s", field, f.Value, f.Remedy))
	}
	return errors.Join(out...)
}
