// Package wake sends wake-on-LAN packets to machines that would start a mandatory
// advertisement by themselves, when its assignment comes: six bytes of ones and
// the machine's address sixteen times (AMD, Magic Packet Technology, 1995), as
// UDP broadcasts on the box's own segments.
//
// A machine is woken once for an assignment, and only if the box would start it
// now: not outside of its maintenance windows, not without a grant, not while the
// wipe interlock has stopped the box. Assignments that came more than an hour ago
// wake nobody: the box was off, or its clock jumped.
//
// It wakes no machine that the site does not know, and nothing through routers.
package wake
