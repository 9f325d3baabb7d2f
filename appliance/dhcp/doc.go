// Package dhcp runs the box's UDP 67 and 4011 servers: a proxyDHCP server
// beside a foreign DHCP server, or a small DHCP server of its own, both also for
// segments behind relays.
//
// It moves packets and keeps leases. What a machine is offered to boot is
// decided by the Handler that is handed in; this package knows no policy and no
// firmware. In proxy mode it never gives an address, and it never acknowledges
// on port 67: a REQUEST there belongs to the foreign server, and an ACK from a
// proxy makes firmware believe that it holds a lease. In dhcp mode it gives
// addresses from one range for each segment, or reserved ones, and merges the
// handler's boot fields into them. Foreign says what another server's offer does to
// network boot.
//
// It refuses to share port 67 with another server on the same host, and drops
// (and counts) what does not parse.
//
// It follows RFC 2131, RFC 2132, RFC 3046 and RFC 3527 (relays), and the PXE
// specification 2.1, section 2.2.
package dhcp
