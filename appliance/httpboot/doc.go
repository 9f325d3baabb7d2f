// Package httpboot serves boot files by plain HTTP: /boot/ID/{vmlinuz, initrd,
// uki.efi, boot.ipxe, only32.ipxe}.
//
// Boot files are public and signed, so they need no TLS; nothing else is served
// here. Every other name, method and host path gets 404 or 405, there is no
// listing, and no name becomes a path: content comes from a function that is
// handed in. Files are sent with sendfile where the content is an *os.File.
//
// It follows RFC 9110 (GET, HEAD, ranges, entity tags) and UEFI 2.10 section
// 24.7, whose firmware asks HEAD for the size first.
package httpboot
