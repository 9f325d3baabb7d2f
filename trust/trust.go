// Package trust holds what makes Bootward's programs believe each other: the
// signed envelope, the site's certificate authority, the name-constrained
// intermediate of each box, enrolment tokens, job certificates, and time for
// machines whose clock cannot be trusted.
//
// It opens no sockets and reads no files: keys and documents are handed in.
// Signatures are ed25519 (RFC 8032) in DSSE envelopes; certificates are
// ECDSA P-256 (RFC 5280). Names of certificates:
//
//	site server   site.<code>.bootward.internal
//	box           <box>.<code>.bootward.internal          (client, to the site)
//	box's MP/DP   mp.<box>.<code>.bootward.internal       (server, to targets)
//	job           <job>.job.<box>.<code>.bootward.internal (client, to the box)
//
// where <code> and <box> are lower case; the box's intermediate is
// constrained to <box>.<code>.bootward.internal and below.
package trust

import "time"

// Now is the time at which certificates are to be checked: the latest of the
// clock, the build and the last signed time that was seen. Boxes and targets
// have no clock to trust (docs/decisions).
func Now(clock, built, signed time.Time) time.Time {
	t := clock
	for _, o := range []time.Time{built, signed} {
		if o.After(t) {
			t = o
		}
	}
	return t
}
