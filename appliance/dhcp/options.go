package dhcp

import "slices"

// minMessage is the shortest message that is sent, in bytes: relays and clients drop
// shorter ones, since BOOTP's had this length (RFC 951).
const minMessage = 300

// options are the options of one message, in the order in which they are sent: by code,
// a relay's own one last (RFC 3046 section 2.1).
type options []Option

// put adds an option; one of the same code is replaced.
func (o *options) put(new Option) {
	if new.Code == optionPad || new.Code == optionEnd {
		return
	}
	i := len(*o)
	for i > 0 && place(new) <= place((*o)[i-1]) {
		i--
	}
	if i < len(*o) && (*o)[i].Code == new.Code {
		(*o)[i] = new
		return
	}
	*o = slices.Insert(*o, i, new)
}

func place(o Option) int {
	if o.Code == optionRelay {
		return optionEnd
	}
	return int(o.Code)
}

// append encodes them; values of more than 255 bytes are split (RFC 3396).
func (o options) append(b []byte) []byte {
	for _, f := range o {
		v := f.Data
		for first := true; first || len(v) > 0; first = false {
			n := min(len(v), 255)
			b = append(append(b, f.Code, byte(n)), v[:n]...)
			v = v[n:]
		}
	}
	return b
}
