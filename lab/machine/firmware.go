package machine

import "fmt"

// The firmware that a Config takes.
const (
	BIOS       = "bios"        // SeaBIOS
	UEFI       = "uefi"        // OVMF with variables of its own
	UEFISecure = "uefi-secure" // OVMF with Secure Boot on and Microsoft's keys enrolled
	UEFIIA32   = "uefi-ia32"   // OVMF for 32-bit processors
	UEFIARM64  = "uefi-arm64"  // AAVMF on QEMU's virt machine
)

// Firmwares lists them.
func Firmwares() []string { return []string{BIOS, UEFI, UEFISecure, UEFIIA32, UEFIARM64} }

// platform is what a firmware wants of QEMU.
type platform struct {
	emulator, machine, cpu string
	code, vars             string // files; none with BIOS
	// secure flash can be written by code in system management mode alone: without it
	// Secure Boot is no barrier, and OVMF's builds for it do not start.
	secure bool
	debian string // the package that holds the files
}

// platformOf follows OvmfPkg/README of EDK II, section "SMM support", and the
// descriptions of firmware in /usr/share/qemu/firmware.
func platformOf(firmware string) platform {
	const ovmf, x86, q35 = "/usr/share/OVMF/", "qemu-system-x86_64", "q35,graphics=off"
	p := platform{emulator: x86, machine: q35, cpu: "max"}
	switch firmware {
	case UEFI:
		p.code, p.vars, p.debian = ovmf+"OVMF_CODE_4M.fd", ovmf+"OVMF_VARS_4M.fd", "ovmf"
	case UEFISecure:
		p.code, p.vars, p.debian = ovmf+"OVMF_CODE_4M.ms.fd", ovmf+"OVMF_VARS_4M.ms.fd", "ovmf"
		p.secure = true
	case UEFIIA32:
		p.code, p.vars, p.debian = ovmf+"OVMF32_CODE_4M.secboot.fd", ovmf+"OVMF32_VARS_4M.fd", "ovmf-ia32"
		p.secure = true
	case UEFIARM64:
		p = platform{emulator: "qemu-system-aarch64", machine: "virt", cpu: "cortex-a57", debian: "qemu-efi-aarch64",
			code: "/usr/share/AAVMF/AAVMF_CODE.fd", vars: "/usr/share/AAVMF/AAVMF_VARS.fd"}
	}
	if p.secure {
		p.machine += ",smm=on"
	}
	return p
}

// processor names the processor; one without long mode is what PCs had before 2004,
// and some small ones until 2013.
func processor(c Config) string {
	if cpu := platformOf(c.Firmware).cpu; !c.Only32Bit {
		return cpu
	}
	return "qemu32"
}

// firmware returns nothing for BIOS, since SeaBIOS is QEMU's default.
func firmware(c Config) []string {
	p := platformOf(c.Firmware)
	if p.code == "" {
		return nil
	}
	args := []string{
		"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + p.code,
		"-drive", "if=pflash,unit=1,format=raw,file=" + varsFile,
	}
	if p.secure {
		// Waking from S3 wants more of the guest than the lab needs.
		args = append(args, "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1")
	}
	if c.HTTPBoot {
		args = append(args, "-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n")
	}
	if !c.IPv6Boot {
		args = append(args, "-fw_cfg", "name=opt/org.tianocore/IPv6Support,string=n",
			"-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n")
	}
	return append(args, cleared(c)...)
}

// validateFirmware reports what a firmware cannot have.
func (c Config) validateFirmware() (errs []error) {
	errs = append(errs, oneOf("firmware", c.Firmware, Firmwares()...))
	if c.Only32Bit && c.Firmware != BIOS {
		errs = append(errs, fmt.Errorf("a 32-bit processor with firmware %s: want bios", c.Firmware))
	}
	if c.Display && c.Firmware != BIOS {
		errs = append(errs, fmt.Errorf("a display with firmware %s: want bios, whose kernel shows text that can be read", c.Firmware))
	}
	if c.Firmware != UEFIARM64 {
		return errs
	}
	if c.TPM || c.accel() == KVM {
		errs = append(errs, fmt.Errorf("firmware %s: neither a TPM nor kvm can be had", c.Firmware))
	}
	for i, d := range c.Disks {
		if d.Bus == AHCI {
			errs = append(errs, fmt.Errorf("disk %d: firmware %s has no ahci: take virtio or nvme", i, c.Firmware))
		}
	}
	return errs
}

// What OVMF uses of a machine's memory: where it begins, and what it keeps at the
// top of the memory below 2 GiB.
const (
	lowStart   = 0x800000
	lowSize    = 2 << 20
	highSize   = 256 << 20
	lowMemory  = 2 << 30
	lowFile    = "cleared-low.mem"
	highFile   = "cleared-high.mem"
	loaderForm = "loader,file=%s,addr=%#x,force-raw=on"
)

// cleared fills the memory that the firmware uses with zeros at each reset, so that
// QEMU forgets what it translated of programs that ran there. Twice a UEFI target
// did not come up after the restart of its installed system: its processor stood in
// writes to a page that still held translated code (page_collection_lock of QEMU),
// pushing frames for one tick of the timer after the other. That the stack of OVMF
// lay on such a page is concluded from this, not proven.
func cleared(c Config) []string {
	if c.accel() == KVM || c.Firmware == UEFIARM64 {
		return nil
	}
	return []string{"-device", fmt.Sprintf(loaderForm, lowFile, lowStart), "-device", fmt.Sprintf(loaderForm, highFile, topOf(c)-highOf(c))}
}

func topOf(c Config) int64 { return min(int64(c.MemoryMiB)<<20, lowMemory) }

// highOf is how much is cleared at the top: a quarter of a small memory.
func highOf(c Config) int64 { return min(highSize, topOf(c)/4) }
