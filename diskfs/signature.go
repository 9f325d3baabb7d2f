package diskfs

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
)

// Signature is what a file system says of itself.
type Signature struct {
	FileSystem FileSystem // empty if none was recognised
	// UUID as Linux writes it in /etc/fstab: 8-4-4-4-12 for ext4, XFS and swap,
	// XXXX-XXXX for FAT32, 16 hex digits for NTFS.
	UUID  string
	Label string // empty for NTFS, whose label lies inside the volume
}

// signatureBytes is how much of a volume Recognise wants to see.
const signatureBytes = 4096

// ReadSignature looks at the first 4 KiB of the target.
func ReadSignature(t Target) (Signature, error) {
	f, err := os.Open(t.Path)
	if err != nil {
		return Signature{}, err
	}
	defer f.Close()
	head := make([]byte, signatureBytes)
	if _, err := io.ReadFull(io.NewSectionReader(f, t.Offset, t.Length), head); err != nil {
		return Signature{}, fmt.Errorf("read start of %s: %w", t.Path, err)
	}
	return Recognise(head), nil
}

// Recognise names the file system whose first 4 KiB (or more) are given. What it
// does not know, and anything shorter, is the zero Signature.
func Recognise(head []byte) Signature {
	if len(head) < signatureBytes {
		return Signature{}
	}
	switch {
	case binary.LittleEndian.Uint16(head[0x438:]) == 0xef53: // ext2, 3, 4
		return Signature{Ext4, dashed(head[0x468:0x478]), text(head[0x478:0x488])}
	case string(head[:4]) == "XFSB": // xfs_sb
		return Signature{XFS, dashed(head[32:48]), text(head[108:120])}
	case string(head[4086:4096]) == "SWAPSPACE2":
		return Signature{Swap, dashed(head[0x40c:0x41c]), text(head[0x41c:0x42c])}
	case string(head[3:11]) == "NTFS    ":
		serial := binary.LittleEndian.Uint64(head[0x48:])
		return Signature{FileSystem: NTFS, UUID: fmt.Sprintf("%016X", serial)}
	case string(head[0x52:0x57]) == "FAT32":
		serial := binary.LittleEndian.Uint32(head[0x43:])
		label := text(head[0x47:0x52])
		if label == "NO NAME" {
			label = ""
		}
		return Signature{FAT32, fmt.Sprintf("%04X-%04X", serial>>16, serial&0xffff), label}
	}
	return Signature{}
}

func dashed(b []byte) string {
	h := hex.EncodeToString(b)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// text is a padded field.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return strings.TrimRight(string(b), " ")
}
