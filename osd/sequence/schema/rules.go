package schema

// duration is what time.ParseDuration takes, apart from negative ones.
const duration = `^\+?(0|(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`

// size is a number of bytes, share a part of the rest of the disk.
const (
	size     = `^[0-9]+(\.[0-9]+)? ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$`
	share    = `^([1-9][0-9]?|100)%$`
	variable = `^[A-Za-z][A-Za-z0-9_.-]{0,254}$`
	// reference is a field that names the variable of a secret.
	reference = `^%[A-Za-z_][A-Za-z0-9_.-]{0,254}%$`
)

// required are the fields that cannot be left out, by type.
var required = map[string][]string{
	"Sequence": {"name", "steps"}, "Group": {"group", "steps"}, "Retry": {"count"},
	"RunCommandLine": {"command"}, "RunPowerShellScript": {"package", "script"}, "SetTaskSequenceVariable": {"variable"},
	"SetDynamicVariables": {"rules"}, "Rule": {"variables"}, "RunTaskSequence": {"sequence"}, "ConnectToNetworkFolder": {"path", "to"},
	"RestartComputer": {"to"}, "InstallSoftwareUpdates": {"updates"}, "DownloadPackageContent": {"packages"},
	"PartitionDisk": {"style", "volumes"}, "Volume": {"type", "size"}, "EnableBitLocker": {"protector"},
	"PreprovisionBitLocker": {"volume"}, "RequestStateStore": {"for"}, "ApplyOperatingSystem": {"image", "to"}, "PackageFile": {"package", "file"},
	"ApplyDataImage": {"image", "to"}, "InstallDeploymentTools": {"package"}, "CaptureOperatingSystem": {"to"},
	"ApplyDriverPackage": {"package"}, "MassStorage": {"driver", "model"}, "Unknown": {"disabled"},
}

// fieldRules are what the type of a field does not say, by type and field.
var fieldRules = map[string]object{
	"Meta.name":                                  {"type": []string{"string", "number", "boolean"}, "minLength": 1, "maxLength": 127},
	"Sequence.variables":                         {"propertyNames": object{"pattern": variable}},
	"Sequence.steps":                             {"minItems": 1},
	"Group.group":                                {"type": []string{"string", "number", "boolean"}, "minLength": 1, "maxLength": 50},
	"Group.description":                          {"type": []string{"string", "number", "boolean"}, "maxLength": 256},
	"Group.steps":                                {"minItems": 1},
	"Options.name":                               {"type": []string{"string", "number", "boolean"}, "maxLength": 50},
	"Options.description":                        {"type": []string{"string", "number", "boolean"}, "maxLength": 256},
	"Options.successCodes":                       {"minItems": 1, "items": object{"type": "integer", "minimum": 0}},
	"Options.secrets":                            {"propertyNames": object{"pattern": variable}, "maxProperties": 8},
	"Retry.count":                                {"minimum": 1, "maximum": 10},
	"Condition.all":                              {"minItems": 1},
	"Condition.any":                              {"minItems": 1},
	"Condition.none":                             {"minItems": 1},
	"Condition.variable":                         {"type": "string", "pattern": `^[A-Za-z_][A-Za-z0-9_.-]{0,254}$`},
	"Rule.variables":                             {"minProperties": 1, "propertyNames": object{"pattern": variable}},
	"SetDynamicVariables.rules":                  {"minItems": 1, "maxItems": 100},
	"SetTaskSequenceVariable.variable":           {"type": "string", "pattern": variable},
	"RunCommandLine.command":                     {"type": []string{"string", "number", "boolean"}, "pattern": `\S`},
	"RunCommandLine.outputVariable":              {"type": "string", "pattern": `^$|` + variable},
	"RunPowerShellScript.policy":                 {"enum": []string{"allSigned", "undefined", "bypass"}},
	"CheckReadiness.memory":                      {"type": "string", "pattern": size, "examples": []string{"2GiB"}},
	"CheckReadiness.diskSpace":                   {"type": "string", "pattern": size, "examples": []string{"20GB"}},
	"CheckReadiness.firmware":                    {"enum": []string{"uefi", "bios"}},
	"CheckReadiness.processorMHz":                {"minimum": 0},
	"ConnectToNetworkFolder.password":            {"type": "string", "pattern": `^$|` + reference},
	"ConnectToNetworkFolder.to":                  {"type": "string", "pattern": "^/"},
	"JoinDomainOrWorkgroup.password":             {"type": "string", "pattern": `^$|` + reference},
	"RestartComputer.to":                         {"enum": []string{"installedOS", "bootImage"}},
	"InstallSoftwareUpdates.updates":             {"enum": []string{"mandatory", "all"}},
	"DownloadPackageContent.packages":            {"minItems": 1, "maxItems": 99},
	"PartitionDisk.disk":                         {"minimum": 0, "maximum": 99},
	"PartitionDisk.style":                        {"enum": []string{"gpt", "mbr"}},
	"PartitionDisk.volumes":                      {"minItems": 1, "maxItems": 128},
	"Select.bus":                                 {"enum": []string{"ata", "nvme", "scsi", "virtio", "mmc", "hyperv", "xen"}},
	"Select.minSize":                             {"type": "string", "pattern": size, "examples": []string{"100GiB"}},
	"Select.maxSize":                             {"type": "string", "pattern": size, "examples": []string{"2TB"}},
	"Volume.type":                                {"enum": []string{"efi", "biosBoot", "primary", "msr", "recovery", "extended", "logical"}},
	"Volume.size":                                {"type": "string", "pattern": size + "|" + share, "examples": []string{"256MiB", "100%"}},
	"Volume.fileSystem":                          {"enum": []string{"", "fat32", "ext4", "xfs", "swap", "ntfs"}},
	"Volume.variable":                            {"type": "string", "pattern": `^$|` + variable},
	"Encryption.passphrase":                      {"type": "string", "pattern": reference, "examples": []string{"%DiskPassphrase%"}},
	"ConvertDiskToDynamic.disk":                  {"minimum": 0, "maximum": 99},
	"EnableBitLocker.protector":                  {"enum": []string{"tpm", "tpmAndPIN", "tpmAndStartupKey", "startupKey"}},
	"EnableBitLocker.recovery":                   {"enum": []string{"", "activeDirectory", "none"}},
	"RequestStateStore.for":                      {"enum": []string{"capture", "restore"}},
	"RequestStateStore.tries":                    {"minimum": 0, "maximum": 600},
	"ApplyOperatingSystem.to":                    {"type": "string", "minLength": 1, "examples": []string{"%OSDisk%"}},
	"ApplyOperatingSystem.index":                 {"minimum": 0},
	"ApplyDataImage.to":                          {"type": "string", "minLength": 1, "examples": []string{"%Data%"}},
	"ApplyDataImage.index":                       {"minimum": 0},
	"ApplyWindowsSettings.productKey":            {"type": "string", "pattern": `^$|` + reference},
	"ApplyWindowsSettings.administratorPassword": {"type": "string", "pattern": `^$|` + reference},
	"CaptureOperatingSystem.password":            {"type": "string", "pattern": `^$|` + reference},
}

// comparisons are the fields of Comparison.
var comparisons = []string{"exists", "equals", "notEquals", "greater", "greaterOrEqual", "less", "lessOrEqual", "like", "notLike"}

// extras are what fields of a type demand of each other.
var extras = map[string]object{
	"Condition": {
		"oneOf": have("all", "any", "none", "variable", "file", "folder", "operatingSystem", "software", "query", "registry"),
		"allOf": []object{
			{"if": object{"required": []string{"variable"}}, "then": object{"oneOf": have(comparisons...)}},
			{"if": object{"anyOf": have("all", "any", "none", "query")}, "then": object{"not": object{"anyOf": have(comparisons...)}}},
		},
	},
	"Adapter":               {"anyOf": have("dhcp", "addresses")},
	"JoinDomainOrWorkgroup": {"anyOf": have("domain", "workgroup")},
	"InstallPackage":        {"anyOf": []object{{"required": []string{"package", "program"}}, {"required": []string{"list"}}}},
	"CheckReadiness":        {"anyOf": have("memory", "processorMHz", "diskSpace", "firmware", "acPower", "wiredNetwork")},
	"Volume": { // swap takes a random key
		"if":   object{"properties": object{"fileSystem": object{"const": "swap"}}, "required": []string{"fileSystem"}},
		"then": object{"properties": object{"encryption": object{"not": object{"required": []string{"passphrase"}}}}},
		"else": object{"properties": object{"encryption": object{"required": []string{"passphrase"}}}},
	},
	"PartitionDisk": {"if": object{"properties": object{"style": object{"const": "mbr"}}}, "then": object{"properties": object{"volumes": object{
		"contains": object{"not": object{"properties": object{"type": object{"const": "logical"}}}}, "maxContains": 4}}},
		"else": object{"properties": object{"volumes": object{"items": object{"properties": object{"type": object{"not": object{"enum": []string{"extended", "logical"}}}}}}}}},
}

// have are the alternatives that one of the fields is given.
func have(names ...string) []object {
	var all []object
	for _, n := range names {
		all = append(all, object{"required": []string{n}})
	}
	return all
}
