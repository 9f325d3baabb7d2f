// Package tftp serves boot files by TFTP, read only.
//
// Names are asked of a function that is handed in and never become paths. Writes
// are refused. Each source may run a few transfers at once.
//
// Each transfer has a port of its own, bound to the address that was asked, so that a box
// with several answers from the right one. Block sizes go up to what the route takes
// unfragmented, windows up to 64 blocks. A window leaves in as few system calls as the
// kernel allows (UDP_SEGMENT), at first in bursts of 16 blocks, which grow while nothing is
// lost and shrink when something is.
//
// It follows RFC 1350, 2347 (options), 2348 (blksize), 2349 (tsize, timeout) and 7440
// (windowsize).
package tftp
