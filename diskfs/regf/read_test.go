package regf

import (
	"errors"
	"fmt"
	"strings"
)

// parse is a reader of what this package writes, which trusts nothing: cells must
// fill their bins, and each must be used once.
func parse(b []byte) (k Key, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("hive: %v", r)
		}
	}()
	var sum uint32
	for i := 0; i < 508; i += 4 {
		sum ^= le.Uint32(b[i:])
	}
	if string(b[:4]) != "regf" || int(le.Uint32(b[40:])) != len(b)-blockSize || le.Uint32(b[508:]) != sum {
		return k, errors.New("base block")
	}
	bins, cells := b[blockSize:], map[uint32][]byte{}
	for bin := 0; bin < len(bins); {
		end := bin + int(le.Uint32(bins[bin+8:]))
		if string(bins[bin:bin+4]) != "hbin" || int(le.Uint32(bins[bin+4:])) != bin || (end-bin)%blockSize != 0 {
			return k, fmt.Errorf("bin at %d", bin)
		}
		for at := bin + binHeader; at < end; {
			size := int(int32(le.Uint32(bins[at:])))
			if size < 0 {
				size = -size
				cells[uint32(at)] = bins[at+4 : at+size]
			}
			if size < 8 || size%8 != 0 || at+size > end {
				return k, fmt.Errorf("cell at %d of %d bytes", at, size)
			}
			at += size
		}
		bin = end
	}
	p := parser{cells}
	root := le.Uint32(b[36:])
	security := le.Uint32(cells[root][44:])
	k = p.key(root, 0, security)
	if n := int(le.Uint32(p.take(security)[12:])); n != k.count() {
		return k, fmt.Errorf("security cell is used %d times by %d keys", n, k.count())
	}
	if len(p.cells) > 0 {
		return k, fmt.Errorf("%d cells are not used", len(p.cells))
	}
	return k, nil
}

type parser struct{ cells map[uint32][]byte }

func (p parser) take(at uint32) []byte {
	c, ok := p.cells[at]
	if !ok {
		panic(fmt.Sprintf("no cell at %d, or used twice", at))
	}
	delete(p.cells, at)
	return c
}

func (p parser) key(at, parent, security uint32) Key {
	c := p.take(at)
	if string(c[:2]) != "nk" || le.Uint32(c[16:]) != parent || le.Uint32(c[44:]) != security {
		panic(fmt.Sprintf("key at %d", at))
	}
	k := Key{Name: string(c[76 : 76+le.Uint16(c[72:])])}
	if n := le.Uint32(c[36:]); n > 0 {
		for i, l := uint32(0), p.take(le.Uint32(c[40:])); i < n; i++ {
			k.Values = append(k.Values, p.value(le.Uint32(l[4*i:])))
		}
	}
	if n := le.Uint32(c[20:]); n > 0 {
		l := p.take(le.Uint32(c[28:]))
		if string(l[:2]) != "lf" || uint32(le.Uint16(l[2:])) != n {
			panic("list of keys")
		}
		for i := range n {
			s := p.key(le.Uint32(l[4+8*i:]), at, security)
			if hint := strings.TrimRight(string(l[8+8*i:12+8*i]), "\x00"); hint != s.Name[:min(4, len(s.Name))] {
				panic("hint " + hint)
			}
			k.Keys = append(k.Keys, s)
		}
	}
	return k
}

func (p parser) value(at uint32) Value {
	c := p.take(at)
	size := le.Uint32(c[4:])
	v := Value{Name: string(c[20 : 20+le.Uint16(c[2:])]), Type: Type(le.Uint32(c[12:])), Data: []byte{}}
	if size&inline != 0 {
		v.Data = append(v.Data, c[8:8+size&^inline]...)
	} else {
		v.Data = append(v.Data, p.take(le.Uint32(c[8:]))[:size]...)
	}
	return v
}
