package wim

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"time"
)

// maxXML bounds what is read of a description, in bytes. Real ones have some KiB
// per image.
const maxXML = 16 << 20

// Info is what a WIM says of itself.
type Info struct {
	Size        int64  // of the file, bytes
	GUID        string // 32 hex digits, as stored
	Compression string // none, XPRESS, LZX, LZMS
	BootIndex   int    // of the image marked bootable, 0 if none
	Integrity   bool   // whether it has an integrity table
	Images      []Image
}

// Image is one image of a WIM, from the XML description.
type Image struct {
	Index       int // from 1
	Name        string
	Description string
	Flags       string // edition, on Windows
	// Arch is x86, amd64, arm or arm64, from BOOTWARD/ARCH or WINDOWS/ARCH;
	// empty if neither is there.
	Arch string
	// OS is windows if there is a WINDOWS element, or what BOOTWARD/OS says.
	OS            string
	Dirs, Files   int64
	TotalBytes    int64 // of all files, each hard link counted
	HardLinkBytes int64 // of TotalBytes, what hard links share
	Created       time.Time
	Modified      time.Time
}

// Bytes is how much data the image holds once extracted, without the file
// system's own overhead.
func (i Image) Bytes() int64 { return i.TotalBytes - i.HardLinkBytes }

// Image returns the image with that index.
func (i Info) Image(index int) (Image, error) {
	for _, image := range i.Images {
		if image.Index == index {
			return image, nil
		}
	}
	return Image{}, fmt.Errorf("WIM has no image %d; it holds images 1 to %d", index, len(i.Images))
}

// Read reads header, XML description and table of resources of a WIM that is
// size bytes long, and holds them against that size. It does not read the data;
// Verify does.
func Read(r io.ReaderAt, size int64) (Info, error) {
	h, err := readHeader(r, size)
	if err != nil {
		return Info{}, fmt.Errorf("read WIM: %w", err)
	}
	if err := checkTable(r, h, size); err != nil {
		return Info{}, fmt.Errorf("read WIM: table of resources: %w", err)
	}
	images, err := readXML(r, h)
	if err != nil {
		return Info{}, fmt.Errorf("read WIM: XML description: %w", err)
	}
	if len(images) != int(h.images) {
		return Info{}, fmt.Errorf("read WIM: %w: the header counts %d images, the XML description %d", ErrCorrupt, h.images, len(images))
	}
	return Info{
		Size: size, GUID: hex.EncodeToString(h.guid[:]), Compression: h.compression(),
		BootIndex: int(h.bootIndex), Integrity: h.integrity.size > 0, Images: images,
	}, nil
}

// ReadFile is Read on a file.
func ReadFile(path string) (Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	info, err := Read(f, stat.Size())
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", path, err)
	}
	return info, nil
}

func readHeader(r io.ReaderAt, size int64) (header, error) {
	raw := make([]byte, HeaderSize)
	if n, err := r.ReadAt(raw, 0); n < HeaderSize {
		if size < HeaderSize || err == io.EOF {
			return header{}, fmt.Errorf("%w: it has %d bytes", ErrNotWIM, max(0, min(size, int64(n))))
		}
		return header{}, err
	}
	return parseHeader(raw, size)
}

// entrySize is the length of an entry of the table of resources, in bytes: the
// resource, its part number, its count of references, its SHA-1.
const entrySize = 50

// checkTable holds every resource's place against the file's size: a WIM without
// integrity table that lost its middle is found out here. Resources of a solid
// pack carry offsets inside the pack and are left to wimlib.
func checkTable(r io.ReaderAt, h header, size int64) error {
	if h.table.flags&resourceCompressed != 0 || h.version == versionSolid {
		return nil
	}
	if h.table.size%entrySize != 0 {
		return fmt.Errorf("%w: %d bytes are no whole number of entries", ErrCorrupt, h.table.size)
	}
	in := io.NewSectionReader(r, int64(h.table.offset), int64(h.table.size))
	block := make([]byte, entrySize*1024)
	for at := 0; ; {
		n, err := io.ReadFull(in, block)
		for i := 0; i+entrySize <= n; i, at = i+entrySize, at+1 {
			if err := parseResource(block[i:]).within(size); err != nil {
				return fmt.Errorf("entry %d: %w", at, err)
			}
		}
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return nil
		default:
			return err
		}
	}
}
