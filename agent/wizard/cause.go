package wizard

import "strings"

// Cause says in plain words why a step failed, and what helps.
type Cause struct{ Why, Remedy string }

// cause is one line of the table: the first whose words stand in the text, or whose code it is, counts.
type cause struct {
	codes []int
	words []string // any of them, in small letters
	Cause
}

// causes goes from what says most to what says least.
var causes = []cause{
	{words: []string{"the machine stopped while this step was running"}, Cause: Cause{
		"the power was cut, or the machine was reset, in the middle of the step", "check power and cable; try again, or deploy the machine again if the step cannot run twice"}},
	{words: []string{"no permit", "no grant", "the grant is over", "is for version"}, Cause: Cause{
		"nobody allowed this run to erase the disk; nothing was written", "grant the deployment again at the site, then start the machine again"}},
	{words: []string{"did not confirm the disk"}, Cause: Cause{
		"the disk was not confirmed; nothing was changed", "start the machine again and type YES"}},
	{words: []string{"select disk:", "no partition step of the task sequence applies"}, Cause: Cause{
		"no disk of this machine is the one that the task sequence asks for, or several are", "check cabling and storage mode of the firmware, or name the disk in the sequence"}},
	{words: []string{"secrets of the step were not released", "asked for a second time"}, Cause: Cause{
		"the box did not give the step its passwords", "approve the machine by its code when it starts the deployment"}},
	{words: []string{"took longer than its time limit"}, Cause: Cause{
		"the step ran into its time limit", "look at the log where it hung; give the step a longer timeout if it was only slow"}},
	{words: []string{"no space left", "not enough space", "disk full", "disk quota"}, Cause: Cause{
		"there is not enough room on the volume", "make the volume larger, or choose a larger disk"}},
	{words: []string{"image could not be read or is damaged"}, Cause: Cause{
		"the image cannot be read, or is damaged", "look at the line to the box; import the image again if it fails elsewhere too"}},
	{words: []string{"is not complete", "its content has no file", "status 404", "no such blob", "not in the content"}, Cause: Cause{
		"content that the step needs is not at the box", "see `bootward content status`; distribute the package again"}},
	{words: []string{"the system has no grub", "install boot loader", "none of them with an initramfs"}, Cause: Cause{
		"the image brings no boot loader or kernel that this machine can start", "put kernel and boot loader for its firmware into the image"}},
	{words: []string{"secure boot"}, Cause: Cause{
		"Secure Boot does not take what the image brings", "put signed loaders into the image, or switch Secure Boot off"}},
	{words: []string{"nt_status_logon_failure", "logon failure", "wrong password", "authentication failure", "invalid credentials", "password is wrong"}, Cause: Cause{
		"account or password was not accepted", "look at account and password that the step uses"}},
	{words: []string{"no such host", "server misbehaving", "name resolution"}, Cause: Cause{
		"a name could not be found in the network", "look at the name servers of this network"}},
	{words: []string{"connection refused", "no route to host", "network is unreachable", "connection reset", "i/o timeout", "connection timed out", "tls handshake timeout"}, Cause: Cause{
		"the box, or a server, could not be reached", "check cable and switch port, and whether the box is on; then try again"}},
	{words: []string{"certificate has expired", "x509:", "its certificate ended"}, Cause: Cause{
		"a certificate was not accepted", "check the clock of this machine; the box has to be one of this site"}},
	{words: []string{"input/output error", "medium error", "blk_update_request"}, Cause: Cause{
		"the disk reports errors", "replace the disk"}},
	{words: []string{"cannot run here: this agent does not know it", "cannot run: this version lacks", "update the boot image"}, Cause: Cause{
		"this boot image is older than the task sequence", "update the boot image"}},
	{words: []string{"permission denied", "access is denied", "nt_status_access_denied"}, codes: []int{0x80070005}, Cause: Cause{
		"the account of the step may not do that", "look at the rights of the account that the step uses"}},
	{words: []string{"command not found", "executable file not found"}, codes: []int{127, 9009}, Cause: Cause{
		"the command does not exist there", "look at the command line, and whether its package is part of the step"}},
	{codes: []int{126}, Cause: Cause{"the command cannot be executed", "make the file executable, for this processor"}},
	{codes: []int{137}, Cause: Cause{"the command was killed, most often because memory ran out", "look at the log of the kernel; the machine may have too little memory"}},
	{codes: []int{1603}, Cause: Cause{"the installer of the program failed", "look at the installer's own log"}},
	{codes: []int{1618}, Cause: Cause{"another installation was running", "try again"}},
}

// Explain finds the cause of a failure by its exit code and what was said; the zero value: it is
// not known.
func Explain(code int, said string) Cause {
	said = strings.ToLower(said)
	for _, c := range causes {
		for _, w := range c.words {
			if strings.Contains(said, w) {
				return c.Cause
			}
		}
		for _, n := range c.codes {
			if uint32(n) == uint32(code) {
				return c.Cause
			}
		}
	}
	return Cause{}
}
