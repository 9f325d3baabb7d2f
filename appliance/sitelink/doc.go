// Package sitelink is the box's line to its site: enrolment, policy, content,
// check-ins and the outbox. Each is a service of its own; each goes on by
// itself when the site comes back, be it after weeks.
//
// Nothing that comes over the line is believed before it is verified: the
// trust anchor by the fingerprint in the enrolment token, the server by the
// anchor, policy and manifests by the anchor's signing keys, blobs by their
// digests. What a box was given stays on its disk and is used without the site.
//
// Enrolment: the box asks the site for its trust anchor over a connection that
// proves nothing and compares the anchor's fingerprint with the token's. It
// then drops that connection and opens a new one whose certificate must lead
// to the anchor's CA and name the site; only there it shows the token. Keys
// are made on the box and never leave it.
//
// Formats: docs/formats/envelope.md, policy.md, manifest.md.
package sitelink
