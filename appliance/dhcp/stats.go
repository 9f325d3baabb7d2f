package dhcp

import "sync/atomic"

// Stats counts packets since the server was made.
type Stats struct {
	Received   uint64 // datagrams read
	Bad        uint64 // did not parse, or are no client message over Ethernet
	NoAddress  uint64 // dropped because the interface has no address yet
	Foreign    uint64 // no network boot: left to the foreign server
	Silent     uint64 // decided to send nothing
	Offers     uint64
	Acks       uint64
	Naks       uint64
	NoLease    uint64 // dhcp mode: no address free, or the store failed
	SendErrors uint64
	Unlogged   uint64 // transactions without a line in the log, because there were too many
}

type counters struct {
	received, bad, noAddress, foreign, silent         atomic.Uint64
	offers, acks, naks, noLease, sendErrors, unlogged atomic.Uint64
}

func (c *counters) stats() Stats {
	return Stats{
		Received: c.received.Load(), Bad: c.bad.Load(), NoAddress: c.noAddress.Load(),
		Foreign: c.foreign.Load(), Silent: c.silent.Load(), Offers: c.offers.Load(),
		Acks: c.acks.Load(), Naks: c.naks.Load(), NoLease: c.noLease.Load(),
		SendErrors: c.sendErrors.Load(), Unlogged: c.unlogged.Load(),
	}
}
