package dhcp

import (
	"encoding/binary"
	"sync"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/bootward/bootward/internal/recent"
)

// transactionKey tells the steps of transactions apart: firmware draws a new id for
// each attempt, and repeats it when nothing came back.
type transactionKey struct {
	mac  [6]byte
	id   uint32
	port uint16
	kind dhcpv4.MessageType
}

// transactions remembers the last ones, so that a repeated packet is reported once.
type transactions struct {
	mu   sync.Mutex
	seen recent.Map[transactionKey, struct{}]
}

const maxTransactions = 1024

// first reports whether this packet is no repetition.
func (t *transactions) first(p Packet) bool {
	k := transactionKey{id: transactionID(p), port: p.Port, kind: TypeOf(p.Message)}
	copy(k.mac[:], p.Message.ClientHWAddr)

	t.mu.Lock()
	defer t.mu.Unlock()
	_, again := t.seen.Get(k)
	t.seen.Put(k, struct{}{}, maxTransactions)
	return !again
}

func transactionID(p Packet) uint32 { return binary.BigEndian.Uint32(p.Message.TransactionID[:]) }

// opens reports whether the packet is the first of a conversation with us: a REQUEST on
// 67 goes on with one that has been reported.
func opens(p Packet) bool {
	return p.Port == ProxyPort || TypeOf(p.Message) == dhcpv4.MessageTypeDiscover
}
