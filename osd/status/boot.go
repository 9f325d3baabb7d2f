package status

// Boot is what one packet or request of network boot said, in fields: the text of
// the event is for people, these are what a diagnosis is made of (osd/trace). What
// is not known is left out.
type Boot struct {
	// Firmware is the kind of client, such as uefi-x64-pxe (docs/formats/status.md).
	Firmware string `json:"firmware,omitempty"`
	// Transaction is the DHCP transaction id, eight hexadecimal digits.
	Transaction string `json:"transaction,omitempty"`
	Interface   string `json:"interface,omitempty"` // of the box
	Port        uint16 `json:"port,omitempty"`      // of the box: 67 or 4011
	// Server is whose offer a FlightRequest takes (option 54), and who made the offer
	// of a FlightOther.
	Server string `json:"server,omitempty"`
	// Address is what an offer gives the machine, empty from a proxy.
	Address string `json:"address,omitempty"`
	// Class is option 60 of another server's offer.
	Class string `json:"class,omitempty"`
	// File is the boot file or URL that was offered or asked for.
	File string `json:"file,omitempty"`
	// Cause is a word for what went wrong, one of those below.
	Cause string `json:"cause,omitempty"`
}

// The words of Boot.Cause.
const (
	CauseNext         = "next"         // the machine is sent to its next boot device
	CauseArchitecture = "architecture" // no boot image starts on this firmware
	CausePolicy       = "policy"       // policy or history say that the machine is not answered
	CauseMissing      = "missing"      // the box has no such file
	CauseBroken       = "broken"       // the transfer did not end
	CauseOptional     = "optional"     // the box has no such file, and the machine does without
)
