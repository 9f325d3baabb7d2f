package serialconsole

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/internal/supervisor"
)

func TestRender(t *testing.T) {
	s := State{
		Box: "ward-7", Site: "CEN", Version: "1", Addresses: []string{"eth0 10.77.0.2/24"}, Policy: "1.12", PolicyAge: 3 * time.Minute,
		Services: []Service{{"dhcp eth0", "waiting", "UDP port 67 on eth0 is held by another program: stop the other DHCP or PXE server of this host"}},
		Content:  Content{Wanted: 400e6, Held: 100e6, Fetching: "image debian-12", Rate: 2.5e6, Left: 2 * time.Minute},
		Segments: []string{"eth0: DHCP server 10.77.0.1; switch sw-7 port 12", "problem: no machine reacts to the box's offers, and this is why"},
		Jobs:     []Job{{"ward-pc\x1b[2J", "Ward PC, Debian 12", "Apply Operating System", 3, 41}},
		Pending:  []Pending{{"482-913", "bw-52540077\x1b", "52:54:00:77:00:91", "Ward 7 gets Debian 12", "the site does not know the machine", true}},
		Alarms:   []string{"second claimant"}, NotReady: "content is not complete",
	}
	got := strings.Join(Render(s), "\n")
	want := `------------------------------------------------------------------------
  box       ward-7, site CEN (version 1)
  address   eth0 10.77.0.2/24
  service   dhcp eth0 waiting: UDP port 67 on eth0 is held by another program:
            stop the other DHCP or PXE server of this host
  policy    1.12, 3 min old
  content   25 % of 400.0 MB, image debian-12, 2.5 MB/s, 2 min left
  segment   eth0: DHCP server 10.77.0.1; switch sw-7 port 12
  segment   problem: no machine reacts to the box's offers, and this is why
  job       ward-pc?[2J: Ward PC, Debian 12, step 3 Apply Operating System 41 %
  APPROVE?  482-913  bw-52540077? (52:54:00:77:00:91): Ward 7 gets Debian 12,
            ERASES A DISK; the site does not know the machine. Compare the code
            with the machine's screen, then at the site: bootward computer
            approve 482-913, or here: sign in NAME, approve 482-913
  ALARM     second claimant
  state     not ready: content is not complete`
	if got != want {
		t.Errorf("got:\n%s", got)
	}
}

func FuzzRender(f *testing.F) {
	f.Add("ward", "a long text with words that wraps", int64(12345678))
	f.Fuzz(func(t *testing.T, name, text string, n int64) {
		s := State{Box: name, Site: text, Addresses: []string{text, name}, Line: text, Alarms: []string{text},
			Segments: []string{name, text}, Content: Content{Wanted: n, Held: n / 2, Fetching: text, Problem: name}, Jobs: []Job{{name, text, text, 1, 5}},
			Pending: []Pending{{name, text, name, text, text, true}}}
		for _, l := range Render(s) {
			if len(l) > width || strings.ContainsFunc(l, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
				t.Errorf("line %q", l)
			}
		}
	})
}

func TestReadyIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var out bytes.Buffer
		var changed supervisor.Signal
		s := State{NotReady: "no policy"}
		c := &Console{Out: &out, Changed: changed.Changed, State: func(context.Context) State { return s },
			Uptime: func() (time.Duration, error) { return 12340 * time.Millisecond, nil }}
		go c.Run(ctx)
		for i := range 4 {
			time.Sleep(3 * time.Second)
			s.Ready = i > 0
			s.Waiting++ // moves only
			changed.Notify()
		}
		time.Sleep(3 * time.Second)
		if n := strings.Count(out.String(), "bootward: ready after 12.3 s\n"); n != 1 {
			t.Errorf("said %d times:\n%s", n, out.String())
		}
		if n := strings.Count(out.String(), "-----\n"); n > 3 {
			t.Errorf("%d blocks:\n%s", n, out.String())
		}
	})
}
