package lint

import (
	"regexp"
	"strings"
)

// BuiltIn says whether a variable is one that the engine or a step sets, or that a step reads
// although nobody must set it (docs/formats/sequence.md).
func BuiltIn(name string) bool {
	if numbered.MatchString(name) {
		return true
	}
	for _, known := range strings.Fields(builtIn) {
		if strings.EqualFold(known, name) {
			return true
		}
	}
	return false
}

var numbered = regexp.MustCompile(`(?i)^(OSDAdapter\d+(IPAddressList|SubnetMask|Gateways|DNSServerList|DNSSuffix|DNSDomain|EnableDHCP|MACAddress|Index|Name|Enable[A-Za-z]+|WINSServerList)|OSDPartitions\d+(Type|FileSystem|Bootable|QuickFormat|VolumeName|Size|SizeUnits|VolumeLetterVariable))$`)

const builtIn = `
_SMSTSInWinPE _SMSTSLaunchMode _SMSTSMediaType _SMSTSBootUEFI _TSSecureBoot _SMSTSMake _SMSTSModel _SMSTSSerialNumber _SMSTSUUID
_SMSTSAssetTag _SMSTSMacAddresses _SMSTSIPAddresses _SMSTSDefaultGateways _SMSTSMachineName _SMSTSMP _SMSTSSiteCode _SMSTSOrgName
_SMSTSPackageID _SMSTSPackageName _SMSTSAdvertID _SMSTSBootImageID _SMSTSCurrentActionName _SMSTSInstructionTableSize
_SMSTSNextInstructionPointer _SMSTSLastActionRetCode _SMSTSLastActionSucceeded _SMSTSLogPath _SMSTSTimezone _OSDDetectedWinDir
_TS_CRMEMORY _TS_CRSPEED _TS_CRDISK _TS_CRUEFI _TS_CRACPOWER _TS_CRWIRED
SMSTSRebootRequested SMSTSRebootDelay SMSTSRebootMessage SMSTSRetryRequested SMSTSPostAction SMSTSErrorDialogTimeout TSDebugMode
SMSTSPreferredAdvertID SMSTSDownloadRetryCount SMSTSDownloadRetryDelay SMSTSPersistContent SMSTSLocalDataDrive
OSDComputerName OSDDiskIndex OSDPartitionStyle OSDPartitions OSDImageIndex OSDConfigFileName OSDTargetSystemDrive OSDTargetSystemRoot
OSDNetworkJoinType OSDDomainName OSDDomainOUName OSDJoinAccount OSDJoinPassword OSDWorkgroupName OSDTimeZone OSDLocale OSDProductKey
OSDRegisteredUserName OSDRegisteredOrgName OSDLocalAdminPassword OSDAdapterCount
OSDJoinType OSDJoinDomainName OSDJoinDomainOUName OSDJoinWorkgroupName
SMSConnectNetworkFolderPath SMSConnectNetworkFolderAccount SMSConnectNetworkFolderPassword
OSDCaptureAccount OSDCaptureAccountPassword OSDCaptureDestination OSDImageCreator OSDImageDescription OSDImageVersion
OSDStateStorePath OSDStateSMPRetryCount OSDStateSMPRetryTime OSDStateFallbackToNAA OSDMigrateMode OSDMigrateConfigFiles
OSDMigrateContinueOnLockedFiles OSDMigrateSkipEncryptedFiles OSDMigrateAdditionalCaptureOptions OSDMigrateAdditionalRestoreOptions
OSDAutoApplyDriverBestMatch OSDAutoApplyDriverCategoryList OSDApplyDriverDriverPackageID OSDAllowUnsignedDriver`
