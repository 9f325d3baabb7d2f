// Package pxe decides what a machine that boots from the network must be sent.
//
// Parse reads the request, Classify names the firmware, the Intent that policy
// gives says what should happen, and Decide turns these three into the fields of
// an answer. All of them are pure, and every branch says why in words; only
// Handler, which asks for the intent, waits.
//
// It refuses firmware that this release cannot boot (IA32, arm64 and others) with
// a reason, and stays silent rather than guess. What the firmware is sent depends
// on public facts only; nothing secret is in an answer.
//
// It follows the PXE specification 2.1, RFC 4578 (options 93, 94, 97), RFC 5970
// (HTTP boot architectures) and UEFI 2.10 section 24.7 (HTTP Boot). Comments name
// the firmware whose behaviour asks for something odd.
package pxe
