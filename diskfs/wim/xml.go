package wim

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// xmlTime is a Windows FILETIME in two halves, each written as 0x and hex.
type xmlTime struct {
	High string `xml:"HIGHPART"`
	Low  string `xml:"LOWPART"`
}

// xmlImage is an IMAGE element as far as it is read. Everything else in it is
// passed over.
type xmlImage struct {
	Index       int     `xml:"INDEX,attr"`
	Name        string  `xml:"NAME"`
	Description string  `xml:"DESCRIPTION"`
	Flags       string  `xml:"FLAGS"`
	Dirs        int64   `xml:"DIRCOUNT"`
	Files       int64   `xml:"FILECOUNT"`
	Total       int64   `xml:"TOTALBYTES"`
	HardLinks   int64   `xml:"HARDLINKBYTES"`
	Created     xmlTime `xml:"CREATIONTIME"`
	Modified    xmlTime `xml:"LASTMODIFICATIONTIME"`
	Windows     *struct {
		Arch string `xml:"ARCH"`
	} `xml:"WINDOWS"`
	Ours struct {
		Arch string `xml:"ARCH"`
		OS   string `xml:"OS"`
	} `xml:"BOOTWARD"`
}

func readXML(r io.ReaderAt, h header) ([]Image, error) {
	if h.xml.size > maxXML || h.xml.flags&resourceCompressed != 0 {
		return nil, fmt.Errorf("%w: %d bytes, flags %#x", ErrCorrupt, h.xml.size, h.xml.flags)
	}
	raw := make([]byte, h.xml.size)
	if _, err := io.ReadFull(io.NewSectionReader(r, int64(h.xml.offset), int64(h.xml.size)), raw); err != nil {
		return nil, err
	}
	return parseXML(raw)
}

// parseXML reads the description: UTF-16, little endian, with a byte order mark.
func parseXML(raw []byte) ([]Image, error) {
	if len(raw) < 2 || len(raw)%2 != 0 || raw[0] != 0xff || raw[1] != 0xfe {
		return nil, fmt.Errorf("%w: it is not UTF-16 with a byte order mark", ErrCorrupt)
	}
	units := make([]uint16, len(raw)/2-1)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(raw[2+2*i:])
	}
	var doc struct {
		XMLName xml.Name   `xml:"WIM"`
		Images  []xmlImage `xml:"IMAGE"`
	}
	d := xml.NewDecoder(bytes.NewReader([]byte(string(utf16.Decode(units)))))
	// A declaration may still say UTF-16, which the text no longer is.
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	var out []Image
	for i, x := range doc.Images {
		if x.Index != i+1 {
			return nil, fmt.Errorf("%w: image %d has index %d", ErrCorrupt, i+1, x.Index)
		}
		if x.Total < 0 || x.HardLinks < 0 || x.HardLinks > x.Total || x.Files < 0 || x.Dirs < 0 {
			return nil, fmt.Errorf("%w: image %d has impossible sizes", ErrCorrupt, x.Index)
		}
		out = append(out, x.image())
	}
	return out, nil
}

func (x xmlImage) image() Image {
	image := Image{
		Index: x.Index, Name: x.Name, Description: x.Description, Flags: x.Flags,
		Arch: x.Ours.Arch, OS: x.Ours.OS, Dirs: x.Dirs, Files: x.Files,
		TotalBytes: x.Total, HardLinkBytes: x.HardLinks,
		Created: x.Created.time(), Modified: x.Modified.time(),
	}
	if x.Windows != nil {
		image.OS = "windows"
		// PROCESSOR_ARCHITECTURE_* of winnt.h.
		image.Arch = map[string]string{"0": "x86", "5": "arm", "9": "amd64", "12": "arm64"}[strings.TrimSpace(x.Windows.Arch)]
	}
	return image
}

// time is the zero time if a half cannot be read.
func (t xmlTime) time() time.Time {
	high, err1 := parseHex(t.High)
	low, err2 := parseHex(t.Low)
	if err1 != nil || err2 != nil {
		return time.Time{}
	}
	const epoch = 11644473600 // seconds from 1601 to 1970
	ticks := high<<32 | low   // of 100 ns
	return time.Unix(int64(ticks/1e7)-epoch, int64(ticks%1e7)*100).UTC()
}

func parseHex(s string) (uint64, error) {
	return strconv.ParseUint(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "0x"), 16, 32)
}
