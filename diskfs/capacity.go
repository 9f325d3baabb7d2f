package diskfs

import "math"

// Capacity estimates what the fresh file system of a volume of so many bytes takes: bytes
// of files, and inodes, math.MaxInt64 where there is no limit. It is a little less than the truth, so
// that what fits by it fits.
func Capacity(v Volume, length int64) (bytes, inodes int64) {
	if v.Encrypted {
		length -= LUKSHeader
	}
	switch v.FileSystem {
	case Ext4:
		return ext4Capacity(length)
	case XFS: // log, and what is kept for shared blocks
		return max(0, length-96<<20-length/1000*15/2), math.MaxInt64
	case NTFS: // log file, and the table of a volume without files
		return max(0, length-72<<20-length/1000), math.MaxInt64
	}
	return length, math.MaxInt64
}

// ext4Capacity goes by the types small and default of Debian's mke2fs.conf: an inode of 256
// bytes for so many bytes of the volume; the journal of ext2fs_default_journal_size; and
// what is kept for the descriptors of a larger volume.
func ext4Capacity(length int64) (bytes, inodes int64) {
	if length < 512<<20 {
		return max(0, length-min(length/4, length/16+length/128+8<<20)), length / 4096 * 99 / 100
	}
	journal := int64(16 << 20)
	for size := int64(1 << 30); size <= 128<<30 && length >= size; size *= 2 {
		if size != 4<<30 && size != 8<<30 { // they have that of 2 GiB
			journal *= 2
		}
	}
	kept := length/6144 + min(length/192, 48<<20)
	return length - length/64 - journal - kept, length / 16384 * 99 / 100
}
