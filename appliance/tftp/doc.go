// Package tftp serves boot files by TFTP, read only.
//
// Names are asked of a function that is handed in and never become paths. Writes
// are refused. Each source may run a few transfers at once.
//
// Each transfer has a port of its own, bound to the address that was asked, so that a box
// with several answers from the right one. Windows (RFC 7440) leave in writes that the
// kernel cuts, and blocks are as large as the link's MTU allows.
//
// It follows RFC 1350, 2347 (options), 2348 (blksize), 2349 (tsize, timeout) and 7440.
package tftp
