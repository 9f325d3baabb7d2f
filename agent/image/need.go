package image

import (
	"fmt"

	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/diskfs/wim"
)

// Need is what images take on a file system.
type Need struct {
	Bytes, Inodes int64
	// Download is the part of Bytes that is for a file which is downloaded first.
	Download int64
}

// NeedOf estimates what an image takes on a file system with blocks of 4 KiB, with so many
// bytes for the file that is downloaded first. Each file wastes half a block on average and
// each folder takes one or two.
func NeedOf(i wim.Image, download int64) Need {
	return Need{Bytes: i.Bytes() + i.Files*2048 + i.Dirs*6144 + download, Inodes: i.Files + i.Dirs, Download: download}
}

// Plus is the need of both, one applied after the other. A downloaded file is removed before
// the next one comes, but the volume must have room for the larger one.
func (n Need) Plus(other Need) Need {
	download := max(n.Download, other.Download)
	return Need{n.Bytes - n.Download + other.Bytes - other.Download + download, n.Inodes + other.Inodes, download}
}

// In checks that there is room: so many bytes, and so many inodes. Its error wraps ErrNoSpace and says how much is needed and how much there is.
func (n Need) In(bytes, inodes int64) error {
	if n.Bytes > bytes {
		return fmt.Errorf("%w: it needs %s%s, there is room for %s", ErrNoSpace, diskfs.Bytes(n.Bytes), n.downloaded(), diskfs.Bytes(bytes))
	}
	if n.Inodes > inodes {
		return fmt.Errorf("%w: it needs %d inodes, there are %d", ErrNoSpace, n.Inodes, inodes)
	}
	return nil
}

func (n Need) downloaded() string {
	if n.Download == 0 {
		return ""
	}
	return fmt.Sprintf(", %s of it for the downloaded file (content: stream does without)", diskfs.Bytes(n.Download))
}
