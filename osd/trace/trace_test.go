package trace

import (
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/osd/status"
)

var start = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// seen makes events, one a second, from short lines "WHAT key=value ... | text".
func seen(lines ...string) []status.FlightEvent {
	var all []status.FlightEvent
	at := start
	for _, line := range lines {
		if d, err := time.ParseDuration(line); err == nil {
			at = at.Add(d)
			continue
		}
		facts, text, _ := strings.Cut(line, " | ")
		words := strings.Fields(facts)
		e := status.FlightEvent{Time: at, Client: "52:54:00:77:00:11", What: words[0], Text: text}
		for _, w := range words[1:] {
			key, value, _ := strings.Cut(w, "=")
			if key == "job" {
				e.Job = value
				continue
			}
			if e.Boot == nil {
				e.Boot = &status.Boot{}
			}
			switch key {
			case "fw":
				e.Boot.Firmware = value
			case "port":
				e.Boot.Port = map[string]uint16{"67": 67, "4011": 4011}[value]
			case "server":
				e.Boot.Server = value
			case "address":
				e.Boot.Address = value
			case "class":
				e.Boot.Class = value
			case "file":
				e.Boot.File = value
			case "cause":
				e.Boot.Cause = value
			}
		}
		all = append(all, e)
		at = at.Add(time.Second)
	}
	return all
}

const (
	asks    = "dhcp-discover fw=uefi-x64-pxe port=67 | asks on eth0 port 67"
	offered = "dhcp-offer fw=uefi-x64-pxe port=67 file=A/uki.efi | A/uki.efi (why)"
	takes   = "dhcp-request fw=uefi-x64-pxe port=67 server=10.0.0.9 | takes"
	asks2   = "dhcp-discover fw=uefi-x64-pxe port=4011 | asks on eth0 port 4011"
	acked   = "dhcp-offer fw=uefi-x64-pxe port=4011 file=A/uki.efi | A/uki.efi (why)"
	bare    = "dhcp-other server=10.0.0.9 address=10.0.0.50 | bare"
	with60  = "dhcp-other server=10.0.0.9 address=10.0.0.50 class=PXEClient | 60"
	rival   = "dhcp-other server=10.0.0.8 class=PXEClient | a proxy"
	loads   = "tftp file=A/uki.efi | A/uki.efi, 20 MB"
	agents  = "dhcp-discover fw=bootward-agent port=67 | asks on eth0 port 67"
	claims  = "claim | ward7-pc1"
	begins  = "job-started job=J1 | Install"
)

func TestDiagnose(t *testing.T) {
	for _, tt := range []struct {
		name    string
		events  []string
		later   time.Duration // after the last event
		code    Code
		stopped bool
		certain bool
		words   string
	}{
		{"nothing", nil, 0, Nothing, true, true, "nothing was recorded"},
		{"just asked", []string{asks, offered}, time.Second, Booting, false, true, "on its way"},
		{"asked, no request", []string{asks, offered}, time.Minute, NoRequest, true, true, "took no address"},
		{"asks again and again", []string{asks, offered, "3s", asks, offered}, time.Second, NoRequest, true, true, "took no address"},
		{"offered elsewhere, no request", []string{asks, offered, bare}, time.Minute, NoRequest, true, true, "10.0.0.9"},
		{"on its way", []string{asks, offered, takes}, 5 * time.Second, Booting, false, true, ""},
		{"option 60", []string{asks, offered, with60, takes, "10s", asks, offered}, time.Second, Option60, true, true, "10.0.0.9 (option 60 PXEClient)"},
		{"option 60, and maybe somebody there", []string{asks, offered, with60, takes}, time.Minute, Option60, true, false, "10.0.0.9 (option 60 PXEClient)"},
		{"option 60 does not matter to HTTP Boot", []string{strings.ReplaceAll(asks, "-pxe", "-http"), offered, with60, takes}, time.Minute, IgnoresProxy, true, true, ""},
		{"another proxy", []string{asks, offered, bare, rival, takes}, time.Minute, OtherServer, true, true, "10.0.0.8 (option 60 PXEClient, no address)"},
		{"a boot file of the DHCP server", []string{asks, offered, bare + " file", "dhcp-other server=10.0.0.9 address=10.0.0.50 file=x.0", takes}, time.Minute, OtherServer, true, true, "file x.0"},
		{"deaf", []string{asks, offered, bare, takes}, time.Minute, IgnoresProxy, true, true, "ignores proxy"},
		{"unheard and gone", []string{asks, offered, takes}, time.Minute, OtherServer, true, false, "10.0.0.9"},
		{"unheard, back after 11 s", []string{asks, offered, takes, "10s", asks, offered}, time.Second, Option60, true, false, "option 60"},
		{"unheard, back at once", []string{asks, offered, takes, asks, offered}, time.Second, IgnoresProxy, true, false, "ignores proxy"},
		{"unheard, iPXE", []string{strings.ReplaceAll(asks, "-pxe", "-ipxe"), offered, takes}, time.Minute, IgnoresProxy, true, false, "no-pxedhcp"},
		{"unheard, HTTP", []string{strings.ReplaceAll(asks, "-pxe", "-http"), offered, takes}, time.Minute, IgnoresProxy, true, false, "DHCP server itself"},
		{"32 bits", []string{"dhcp-discover fw=uefi-ia32 port=67", "refused fw=uefi-ia32 cause=architecture | silent: 32-bit UEFI"}, 0, NoBootImage, true, true, "32-bit UEFI"},
		{"policy", []string{asks, "refused fw=uefi-x64-pxe cause=policy | silent: excluded"}, 0, NotAnswered, false, true, "excluded"},
		{"knows its file", []string{asks, offered, takes, asks2, acked}, time.Minute, NotFetched, true, true, "A/uki.efi"},
		{"missing", []string{asks, offered, takes, asks2, acked, "tftp file=x.0 cause=missing | x.0: there is no such file"}, 0, FileMissing, true, true, "x.0"},
		{"missing, but not what it needs", []string{asks, offered, takes, asks2, acked, "tftp file=x.0 cause=missing | x.0", loads}, time.Second, Booting, false, true, "on its way"},
		{"missing, and need not be", []string{asks, offered, takes, asks2, acked, loads, "tftp file=revocations.efi cause=optional | not there"}, 4 * time.Minute, NotStarted, true, true, "A/uki.efi"},
		{"an image without an agent", []string{asks, loads, "served | CEN00009"}, time.Hour, Done, false, true, "CEN00009"},
		{"broken off", []string{asks, offered, takes, asks2, acked, "tftp file=A/uki.efi cause=broken | A/uki.efi: timeout"}, 0, TransferBroken, true, true, "timeout"},
		{"loaded and silent", []string{asks, offered, takes, asks2, acked, loads}, 4 * time.Minute, NotStarted, true, true, "A/uki.efi"},
		{"sent on", []string{strings.ReplaceAll(asks, "uefi-x64-pxe", "bios-ipxe"), "dhcp-offer fw=bios-ipxe file=http://10.0.0.1/boot/next/boot.ipxe | http://x (ran before)", "http file=next/boot.ipxe | next/boot.ipxe"}, time.Hour, SentOn, false, true, "ran before"},
		{"sent on by a menu", []string{asks, "dhcp-offer fw=uefi-x64-pxe port=67 cause=next | (ran before)", takes}, time.Hour, SentOn, false, true, "ran before"},
		{"sent on by a file that is not there", []string{strings.ReplaceAll(asks, "-pxe", "-http"), "dhcp-offer fw=uefi-x64-http port=67 cause=next file=http://10.0.0.1/boot/next/uki.efi | http://x (ran before)", takes,
			"http cause=missing file=next/uki.efi | there is no such file"}, time.Hour, SentOn, false, true, "ran before"},
		{"sent on from 4011", []string{asks2, "dhcp-offer fw=uefi-x64-pxe port=4011 cause=next | (ran before)"}, time.Hour, SentOn, false, true, "ran before"},
		{"32 bits, sent on", []string{"dhcp-discover fw=uefi-ia32 port=67", "dhcp-offer fw=uefi-ia32 port=67 cause=next | (32-bit UEFI)", takes}, time.Hour, SentOn, false, true, "32-bit UEFI"},
		{"a loader finds a processor of 32 bits", []string{asks, "dhcp-offer fw=bios-ipxe port=67 file=http://x | http://x (why)", takes, "http file=A/boot.ipxe | A/boot.ipxe", "refused cause=architecture | no 64-bit mode", "http file=A/only32.ipxe | A/only32.ipxe"}, time.Hour, NoBootImage, true, true, "no 64-bit mode"},
		{"the agent called", []string{asks, offered, takes, asks2, acked, loads, agents}, time.Hour, Booting, false, true, "the agent called"},
		{"waits", []string{asks, loads, agents, claims, "waits | 482-913"}, time.Hour, Waits, true, true, "482-913"},
		{"turned down", []string{asks, loads, agents, "refused | claim refused: nothing is offered"}, time.Hour, AgentTurnedOff, true, true, "nothing is offered"},
		{"runs", []string{asks, loads, agents, claims, begins}, time.Hour, Running, false, true, "Install"},
		{"restarts while it runs", []string{asks, loads, agents, claims, begins, asks, "refused fw=uefi-x64-pxe cause=policy | silent: a job runs"}, time.Hour, Running, false, true, "Install"},
		{"asks while it runs, and gets stuck", []string{asks, loads, agents, claims, begins, asks, offered}, time.Hour, NoRequest, true, true, ""},
		{"done", []string{asks, loads, claims, begins, "job-ended job=J1 | " + status.SequenceCompleted.Name()}, time.Hour, Done, false, true, "succeeded"},
		{"failed", []string{asks, loads, claims, begins, "job-ended job=J1 | " + status.SequenceFailed.Name()}, time.Hour, JobFailed, true, true, "failed"},
		{"done, then not answered", []string{asks, loads, begins, "job-ended job=J1 | " + status.SequenceCompleted.Name(), "5m", asks, "refused fw=uefi-x64-pxe cause=policy | silent: it ran before"}, time.Hour, NotAnswered, false, true, "it ran before"},
		{"after a failure it waits", []string{begins, "job-ended job=J1 | x", claims, "waits | 482-913"}, time.Hour, Waits, true, true, "482-913"},
		{"of an older box", []string{"dhcp-discover | asks on eth0 port 67", "refused | silent: excluded"}, time.Hour, NotAnswered, false, true, "excluded"},
		{"the box gave the address", []string{asks, "dhcp-offer fw=uefi-x64-pxe port=67 address=10.0.0.50 file=A/uki.efi | address", "dhcp-request fw=uefi-x64-pxe port=67 server=10.0.0.1", "dhcp-offer fw=uefi-x64-pxe port=67 address=10.0.0.50 file=A/uki.efi | address"}, time.Hour, NotFetched, true, true, "A/uki.efi"},
		{"and another server was faster", []string{asks, "dhcp-offer fw=uefi-x64-pxe port=67 address=10.0.0.50 file=A/uki.efi | address", takes}, time.Hour, OtherServer, true, false, "10.0.0.9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events := seen(tt.events...)
			now := start.Add(tt.later)
			if n := len(events); n > 0 {
				now = events[n-1].Time.Add(tt.later)
			}
			d := Diagnose(events, nil, now)
			if d.Code != tt.code || d.Stopped != tt.stopped || d.Certain != tt.certain || !strings.Contains(d.Seen+d.Remedy, tt.words) {
				t.Errorf("%+v", d)
			}
			if d.Stopped && d.Remedy == "" {
				t.Error("it stopped, and nothing is said to do")
			}
			if len(d.Lines()) == 0 {
				t.Error("no words")
			}
		})
	}
}

// TestDiagnoseMessages: at the site, status messages say more than the box.
func TestDiagnoseMessages(t *testing.T) {
	m := func(id status.MessageID, step int) status.Message {
		return status.Message{Job: "J1", Sequence: "Wipe", Time: start.Add(time.Duration(step) * time.Minute), ID: id, Step: step, Action: "Apply"}
	}
	for name, tt := range map[string]struct {
		events   []status.FlightEvent
		messages []status.Message
		code     Code
		words    string
	}{
		"runs":          {seen(asks, begins), []status.Message{m(status.SequenceStarted, 0), m(status.ActionCompleted, 3)}, Running, "step 3 Apply"},
		"failed":        {seen(asks, begins), []status.Message{m(status.ActionFailed, 3), m(status.SequenceFailed, 0)}, JobFailed, "step 3 Apply, exit code 0"},
		"messages only": {nil, []status.Message{m(status.SequenceCompleted, 0)}, Done, "Wipe"},
	} {
		t.Run(name, func(t *testing.T) {
			x := Of("52:54:00:77:00:11", tt.events, tt.messages, start.Add(time.Hour))
			if x.Diagnosis.Code != tt.code || !strings.Contains(x.Diagnosis.Seen, tt.words) || len(x.Entries) == 0 {
				t.Errorf("%+v", x)
			}
		})
	}
}
