// Package network tells what the box knows of its links: links, addresses and
// neighbours, and what changes, read from the kernel by netlink.
//
// It only looks. It sets no address and no route; the two things that it sends are
// an ARP probe (RFC 5227), to learn whether an address is in use, and, by
// Advertiser, a router advertisement that names no router.
//
// It follows rtnetlink(7), RFC 4861 (router advertisements) and RFC 5227.
package network
