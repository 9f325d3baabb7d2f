package pxe

import "net"

// Only32Name is the script that a machine without long mode fetches: the box learns by
// that what the machine is, which no DHCP message of a BIOS says.
const Only32Name = "only32.ipxe"

// Only32Why says why such a machine gets nothing, on its screen and in its timeline.
const Only32Why = "the processor has no 64-bit mode: this machine cannot run the boot image, which is for 64-bit PCs"

// Only32Script tells the person in front of the machine, and goes on to the next device.
func Only32Script() string {
	return "#!ipxe\necho Bootward: " + Only32Why + "\necho Bootward: it boots its next device in 10 seconds\nsleep 10\nexit\n"
}

// longModeCheck is the part of a boot script that keeps a 64-bit kernel from machines
// that it would stop dead on. Bit 29 of EDX of CPUID 80000001h is long mode; bit 0 of
// leaf 1 (the FPU) is on everywhere, so if that test fails it is because this iPXE has
// no command cpuid, and the boot goes on. UEFI machines that run an x64 iPXE need no test.
func longModeCheck(s Server, id string, mac net.HardwareAddr) string {
	return "iseq ${platform} pcbios || goto load\ncpuid 0 || goto load\ncpuid --ext 29 && goto load ||\nchain " +
		s.url(id, Only32Name) + "?mac=" + mac.String() + " ||\nexit\n:load\n"
}
