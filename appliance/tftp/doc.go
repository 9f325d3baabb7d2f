// Package tftp serves boot files by TFTP, read only.
//
// Names are asked of a function that is handed in and never become paths. Writes
// are refused. Each source may run a few transfers at once.
//
// Two senders stand behind one port. Requests with options, which is what firmware
// sends, are served by this package: windows (RFC 7440), block sizes up to the
// link's MTU, and the right source address on a box with several. Bare RFC 1350
// requests go to github.com/pin/tftp; it knows no windows, cannot be told its source
// address, and behind a filter holds block sizes at 512.
//
// It follows RFC 1350, 2347 (options), 2348 (blksize), 2349 (tsize, timeout) and 7440.
package tftp
