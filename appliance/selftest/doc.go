// Package selftest looks at the segments on which the box answers PXE, as a machine
// sees them: which other DHCP and PXE servers answer, what they send, which switch
// port the box hangs on, whether large packets pass, and whether machines react to
// the box's answers. What it finds it says in words, with what to ask the network
// team for.
//
// Judge turns observations into findings and Rivals remembers other PXE servers;
// both are pure. Ask, Watch, Listen and Path touch the network.
//
// It asks as an ordinary client, as PXE firmware and as HTTP Boot firmware, with
// DISCOVERs alone: it takes no address. It never speaks to a switch, joins no VLAN and
// answers no 802.1X.
//
// It follows RFC 2131, RFC 4578, RFC 5970, PXE 2.1, IEEE 802.1AB (LLDP) and IEEE
// 802.1X (recognised only), and reads CDP. Why: docs/decisions/0028-segment-self-test.md.
package selftest
