package query

import (
	"strconv"

	"github.com/bootward/bootward/osd/inventory"
)

func board(c *Computer) []Record {
	b := c.Facts.Board
	if b == (inventory.Board{}) {
		return nil
	}
	return []Record{c.record("Manufacturer", b.Manufacturer, "Product", b.Product, "Version", b.Version, "SerialNumber", b.SerialNumber)}
}

func modules(c *Computer) []Record {
	var all []Record
	for _, m := range c.Facts.Memory {
		all = append(all, c.record("DeviceLocator", m.Locator, "BankLabel", m.Bank, "Manufacturer", m.Manufacturer, "SerialNumber", m.SerialNumber, "PartNumber", m.PartNumber).
			count("capacity", m.Bytes).count("speed", int64(m.MTs)))
	}
	return all
}

// disks have two values as interface, that of Windows and that of partitionDisk: SCSI and nvme.
func disks(c *Computer) []Record {
	var all []Record
	for _, d := range c.Facts.Disks {
		media := "Fixed hard disk media"
		if d.Removable {
			media = "Removable media"
		}
		r := c.record("Name", d.Name, "DeviceID", "/dev/"+d.Name, "Model", d.Model, "SerialNumber", d.Serial, "MediaType", media, "InterfaceType", d.Bus).count("size", d.Bytes)
		if theirs := windowsInterface(d.Bus); theirs != "" {
			r["interfacetype"] = append(r["interfacetype"], textValue(theirs))
		}
		if d.Number != nil { // 0 is one
			r["index"] = []Value{{strconv.Itoa(*d.Number), true}}
		}
		all = append(all, r)
	}
	return all
}

// windowsInterface is what Windows says of a bus; its drivers of NVMe and VirtIO are SCSI's.
func windowsInterface(bus string) string {
	return map[string]string{"ata": "IDE", "nvme": "SCSI", "scsi": "SCSI", "virtio": "SCSI", "hyperv": "SCSI", "xen": "SCSI", "network": "SCSI", "usb": "USB"}[bus]
}

func operatingSystem(c *Computer) []Record {
	s := c.Facts.System
	if s.ID == "" {
		return nil
	}
	return []Record{c.record("Caption", s.Name, "Name", s.ID, "Version", s.Version, "OSArchitecture", map[string]string{"x64": "64-bit", "arm64": "ARM 64-bit"}[c.Facts.Architecture])}
}
