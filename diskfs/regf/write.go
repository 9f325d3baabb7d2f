package regf

import (
	"bytes"
	"encoding/binary"
)

const (
	blockSize  = 4096 // of the base block, and the unit of bins
	binHeader  = 32
	none       = 0xffffffff
	flagASCII  = 0x0020 // the name has one byte per character
	flagRoot   = 0x000c // the root of a hive, which cannot be deleted
	inline     = 1 << 31
	fixedTime  = 0x01d00000_00000000 // FILETIME of no meaning, in 2014: the same bytes each time
	nameFlag   = 1                   // of a value: its name is ASCII
	nameOfFile = "BCD"               // of no meaning to readers
)

var le = binary.LittleEndian

// writer collects cells in bins. Places are offsets from the first bin, as the
// format counts them.
type writer struct {
	b        []byte
	bin      int // where the present bin begins
	security uint32
}

// alloc makes a cell that holds size bytes, and returns its place. What is left
// of a bin that is too small becomes a free cell.
func (w *writer) alloc(size int) uint32 {
	need := (4 + size + 7) &^ 7
	if len(w.b)+need > w.end() {
		w.close()
		w.open(need)
	}
	at := len(w.b)
	w.b = append(w.b, make([]byte, need)...)
	le.PutUint32(w.b[at:], uint32(-int32(need)))
	return uint32(at)
}

// cell is the content of a cell.
func (w *writer) cell(at uint32) []byte { return w.b[at+4:] }

func (w *writer) put(content []byte) uint32 {
	at := w.alloc(len(content))
	copy(w.cell(at), content)
	return at
}

// end is where the present bin ends.
func (w *writer) end() int {
	if len(w.b) == 0 {
		return 0
	}
	return w.bin + int(le.Uint32(w.b[w.bin+8:]))
}

// open begins a bin that takes a cell of need bytes (section 4.3 of the source).
func (w *writer) open(need int) {
	w.bin = len(w.b)
	h := make([]byte, binHeader)
	copy(h, "hbin")
	le.PutUint32(h[4:], uint32(w.bin))
	le.PutUint32(h[8:], uint32((binHeader+need+blockSize-1)/blockSize*blockSize))
	if w.bin == 0 {
		le.PutUint64(h[20:], fixedTime)
	}
	w.b = append(w.b, h...)
}

// close makes the rest of the bin a free cell: its size is positive.
func (w *writer) close() {
	if left := w.end() - len(w.b); left > 0 {
		w.b = le.AppendUint32(w.b, uint32(left))
		w.b = append(w.b, make([]byte, left-4)...)
	}
}

// file puts the base block before the bins (section 4.1).
func (w *writer) file(root uint32) []byte {
	w.close()
	h := make([]byte, blockSize)
	copy(h, "regf")
	le.PutUint32(h[4:], 1) // both sequence numbers the same: nothing is to be recovered
	le.PutUint32(h[8:], 1)
	le.PutUint64(h[12:], fixedTime)
	le.PutUint32(h[20:], 1) // version 1.3
	le.PutUint32(h[24:], 3)
	le.PutUint32(h[32:], 1) // loaded from memory directly
	le.PutUint32(h[36:], root)
	le.PutUint32(h[40:], uint32(len(w.b)))
	le.PutUint32(h[44:], 1) // clustering factor
	copy(h[48:112], utf16z(nameOfFile))
	var sum uint32
	for i := 0; i < 508; i += 4 {
		sum ^= le.Uint32(h[i:])
	}
	switch sum {
	case 0:
		sum = 1
	case none:
		sum = none - 1
	}
	le.PutUint32(h[508:], sum)
	return append(h, w.b...)
}

// key writes a key and what is below it, and returns its place (section 4.4).
func (w *writer) key(k Key, parent uint32, flags uint16) uint32 {
	at := w.alloc(76 + len(k.Name))
	keys := sorted(k.Keys)
	places := make([]uint32, len(keys))
	longest := 0
	for i, s := range keys {
		places[i] = w.key(s, at, 0)
		longest = max(longest, 2*len(s.Name))
	}
	list, values := w.subkeys(keys, places), w.values(k.Values)
	c := w.cell(at)
	copy(c, "nk")
	le.PutUint16(c[2:], flagASCII|flags)
	le.PutUint64(c[4:], fixedTime)
	le.PutUint32(c[16:], parent)
	le.PutUint32(c[20:], uint32(len(keys)))
	le.PutUint32(c[28:], list)
	le.PutUint32(c[32:], none)
	le.PutUint32(c[36:], uint32(len(k.Values)))
	le.PutUint32(c[40:], values)
	le.PutUint32(c[44:], w.security)
	le.PutUint32(c[48:], none)
	le.PutUint32(c[52:], uint32(longest))
	for _, v := range k.Values {
		le.PutUint32(c[60:], max(le.Uint32(c[60:]), uint32(2*len(v.Name))))
		le.PutUint32(c[64:], max(le.Uint32(c[64:]), uint32(len(v.Data))))
	}
	le.PutUint16(c[72:], uint16(len(k.Name)))
	copy(c[76:], k.Name)
	return at
}

// subkeys writes an lf list: places with the first four characters of the names.
func (w *writer) subkeys(keys []Key, places []uint32) uint32 {
	if len(keys) == 0 {
		return none
	}
	b := le.AppendUint16([]byte("lf"), uint16(len(keys)))
	for i, k := range keys {
		hint := [4]byte{}
		copy(hint[:], k.Name)
		b = append(le.AppendUint32(b, places[i]), hint[:]...)
	}
	return w.put(b)
}

func (w *writer) values(all []Value) uint32 {
	if len(all) == 0 {
		return none
	}
	var list []byte
	for _, v := range all {
		list = le.AppendUint32(list, w.value(v))
	}
	return w.put(list)
}

// value writes a value (section 4.5); up to four bytes stand in the cell itself.
func (w *writer) value(v Value) uint32 {
	size, data := uint32(len(v.Data)), uint32(0)
	if len(v.Data) <= 4 {
		var b [4]byte
		copy(b[:], v.Data)
		size, data = size|inline, le.Uint32(b[:])
	} else {
		data = w.put(v.Data)
	}
	b := le.AppendUint16([]byte("vk"), uint16(len(v.Name)))
	b = le.AppendUint32(b, size)
	b = le.AppendUint32(b, data)
	b = le.AppendUint32(b, uint32(v.Type))
	b = le.AppendUint16(b, nameFlag)
	b = le.AppendUint16(b, 0)
	return w.put(append(b, v.Name...))
}

// descriptor gives Administrators, who own everything, and the system all rights,
// inherited by what is below: [MS-DTYP] section 2.4.6, self-relative.
func descriptor() []byte {
	administrators := []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0} // S-1-5-32-544
	system := []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}                        // S-1-5-18
	var aces []byte
	for _, sid := range [][]byte{administrators, system} {
		aces = append(aces, 0, 2) // allowed; container inherit
		aces = le.AppendUint16(aces, uint16(8+len(sid)))
		aces = append(le.AppendUint32(aces, 0xf003f), sid...) // KEY_ALL_ACCESS
	}
	acl := append([]byte{2, 0}, le.AppendUint16(nil, uint16(8+len(aces)))...)
	acl = append(append(acl, 2, 0, 0, 0), aces...)
	b := []byte{1, 0, 0x04, 0x80} // self-relative, with a DACL
	owner := uint32(20)
	group := owner + uint32(len(administrators))
	for _, at := range []uint32{owner, group, 0, group + uint32(len(system))} {
		b = le.AppendUint32(b, at)
	}
	return bytes.Join([][]byte{b, administrators, system, acl}, nil)
}

// securityCell writes the only security descriptor, a ring of one, that all keys
// use (section 4.6).
func (w *writer) securityCell(users int) uint32 {
	d := descriptor()
	at := w.alloc(20 + len(d))
	c := w.cell(at)
	copy(c, "sk")
	le.PutUint32(c[4:], at)
	le.PutUint32(c[8:], at)
	le.PutUint32(c[12:], uint32(users))
	le.PutUint32(c[16:], uint32(len(d)))
	copy(c[20:], d)
	return at
}
