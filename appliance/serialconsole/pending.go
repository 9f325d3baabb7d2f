package serialconsole

import "fmt"

// Pending is a machine that waits until a person has compared its code.
type Pending struct {
	Code, Computer, MAC, Advertisement, Why string
	Erases                                  bool
}

// pending says which machine shows the code, what it would run, and how it is
// approved.
func (b *block) pending(p Pending) {
	erases := ""
	if p.Erases {
		erases = ", ERASES A DISK"
	}
	text := fmt.Sprintf("%s  %s (%s): %s%s; %s. ", p.Code, p.Computer, p.MAC, p.Advertisement, erases, p.Why)
	b.add("APPROVE?", "%s", text+"Compare the code with the machine's screen, then at the site: bootward computer approve "+p.Code+", or here: sign in NAME, approve "+p.Code)
}
