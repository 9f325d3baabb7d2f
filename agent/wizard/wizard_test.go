package wizard

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/agent/keys"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/sequence"
)

var update = flag.Bool("update", false, "write the golden files")

var about = About{Organisation: "St. Elsewhere NHS Trust", Text: "Ask the ward manager before you choose.", Site: "CEN", Box: "ward-7", Machine: "QEMU Standard PC"}

var ward = api.Offers{AskReplaces: true, Offers: []api.Offer{
	{Name: "Ward PCs", Sequence: "Ward PC, Debian 12", Comment: "For computers at the bedside. Takes 12 minutes.", Destructive: true, Approval: true, AskName: true, SuggestedName: "W7-S1",
		Questions: []sequence.Question{
			{Variable: "Bay", Prompt: "In which bay does it stand?", Pattern: "[0-9]{1,2}"},
			{Variable: "Role", Prompt: "What is it used for?", Default: "Bedside", Choices: []string{"Bedside", "Office"}},
			{Variable: "Pin", Prompt: "PIN of the ward's printer", Secret: true, Optional: true}}},
	{Name: "Look", Sequence: "Show the hardware"},
}}

var disks = []string{"/dev/vda QEMU HARDDISK, serial disk0, 21.5 GB, virtio"}

var adapters = []Adapter{{"eth0", "52:54:00:77:00:21", true, []string{"10.77.0.31/24"}}, {"eth1", "52:54:00:77:00:22", false, nil}}

// script types words and the names of keys in angle brackets into a wizard, and returns the last effect.
func script(t *testing.T, w *Wizard, text string) (last Effect) {
	t.Helper()
	named := map[string]keys.Key{"enter": keys.Enter, "esc": keys.Escape, "up": keys.Up, "down": keys.Down, "f2": keys.F2, "f10": keys.F10, "back": keys.Backspace, "left": keys.Left}
	for text != "" {
		if text[0] != '<' {
			last, text = w.Press(keys.Key(text[0])), text[1:]
		} else {
			name, rest, _ := strings.Cut(text[1:], ">")
			k, ok := named[name]
			if !ok {
				t.Fatal("no key", name)
			}
			last, text = w.Press(k), rest
		}
		if last == ListDisks {
			w.Disks(disks, nil)
		}
	}
	return last
}

func picture(w *Wizard) string {
	lines, row, column := w.Lines()
	return strings.Join(lines, "\n") + fmt.Sprintf("\n(cursor at line %d, column %d)\n", row+1, column+1)
}

// TestPages holds every page against its golden.
func TestPages(t *testing.T) {
	many := api.Offers{}
	for i := range 30 {
		many.Offers = append(many.Offers, api.Offer{Name: fmt.Sprintf("Offer %d", i+1), Sequence: "Ward PC", Comment: "one of many"})
	}
	for _, tt := range []struct {
		name, keys string
		offers     api.Offers
	}{
		{"password", "secret", api.Offers{Password: true}},
		{"sequences", "", ward},
		{"sequences-marked", "<down>", ward},
		{"sequences-wrong", "9<enter>", ward},
		{"sequences-many", strings.Repeat("<down>", 20), many},
		{"name", "1<enter>", ward},
		{"name-wrong", "1<enter>17<enter>", ward},
		{"replaces", "1<enter><enter>", ward},
		{"question", "1<enter><enter><enter>4", ward},
		{"question-choices", "1<enter><enter><enter>4<enter>office?<enter>", ward},
		{"question-secret", "1<enter><enter><enter>4<enter>2<enter>1234", ward},
		{"summary", "1<enter><enter>ward7-pc1<enter>4<enter>2<enter>1234<enter>YE", ward},
		{"summary-harmless", "1<enter>W7<enter>", api.Offers{Offers: []api.Offer{{Name: "Look", Sequence: "Show the hardware", AskName: true}}}},
		{"network", "<f2>10.77.0.40/24<enter>10.77.0.1", ward},
		{"network-wrong", "<f2>10.77.0.40<enter>", ward},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := New(about, tt.offers)
			w.Adapters(adapters)
			script(t, w, tt.keys)
			got := picture(w)
			golden := "testdata/" + tt.name + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestWay: what each way through the pages ends in.
func TestWay(t *testing.T) {
	const toSummary = "1<enter><enter><enter>4<enter><enter><enter>"
	for _, tt := range []struct {
		name, keys string
		want       Effect
		page       Page
	}{
		{"nothing typed boots the disk", "<enter>", GiveUp, Sequences},
		{"back from the first page", "<esc>", GiveUp, Sequences},
		{"by number", "2<enter>", Stay, Replaces},
		{"by cursor", "<down><down><enter>", Stay, Replaces},
		{"what is typed counts, not the cursor", "<down>2<enter>", Stay, Replaces},
		{"harmless, with something asked", "2<enter>pc1<enter>", Stay, Summary},
		{"harmless, to its end", "2<enter>pc1<enter><enter>", Begin, Summary},
		{"up to nothing", "<down><up><enter>", GiveUp, Sequences},
		{"YES", toSummary + "YES<enter>", Begin, Summary},
		{"yes", toSummary + "yes<enter>", Stay, Summary},
		{"Enter alone", toSummary + "<enter>", Stay, Summary},
		{"YES and more", toSummary + "YES <enter>", Stay, Summary},
		{"YES typed in two halves, with a page between", toSummary + "YE<esc><enter>S<enter>", Stay, Summary},
		{"corrected", toSummary + "YEX<back>S<enter>", Begin, Summary},
		{"back through the questions", toSummary + "<esc><esc><esc><esc>", Stay, Replaces},
		{"give up anywhere", toSummary + "YES<f10>", GiveUp, Summary},
		{"YES on another page", "1<enter>YES<enter>YES<enter>", Stay, Question},
	} {
		w := New(about, ward)
		if got := script(t, w, tt.keys); got != tt.want || w.Page() != tt.page {
			t.Errorf("%s: effect %d on page %d, want %d on page %d", tt.name, got, w.Page(), tt.want, tt.page)
		}
	}
}

// TestHarmless: what erases nothing and asks nothing begins at once.
// TestLongChoices: what is typed can be seen below the longest question that there is.
func TestLongChoices(t *testing.T) {
	q := sequence.Question{Variable: "V", Prompt: strings.Repeat("what ", 20)}
	for i := range 9 {
		q.Choices = append(q.Choices, fmt.Sprint(i, strings.Repeat(" or", 40)))
	}
	w := New(About{}, api.Offers{Offers: []api.Offer{{Name: "Ward", Sequence: "S", Questions: []sequence.Question{q}}}})
	script(t, w, "1<enter>8")
	if lines, row, _ := w.Lines(); row >= len(lines) || lines[row] != "Answer: 8" {
		t.Errorf("line %d of\n%s", row+1, strings.Join(lines, "\n"))
	}
}

func TestHarmless(t *testing.T) {
	w := New(about, api.Offers{Offers: ward.Offers[1:]})
	if got := script(t, w, "1<enter>"); got != Begin || w.Answers().Offer.Name != "Look" {
		t.Errorf("effect %d, %+v", got, w.Answers())
	}
}

func TestAnswers(t *testing.T) {
	w := New(about, ward)
	if got := script(t, w, "1<enter>W7-bed1<enter>pc1<enter>x<enter><back>12<enter><enter>s p<enter>YES<enter>"); got != Begin {
		t.Fatalf("effect %d\n%s", got, picture(w))
	}
	a := w.Answers()
	a.Offer = api.Offer{}
	want := Answers{Name: "W7-bed1", Replaces: "pc1", Values: map[string]string{"Bay": "12", "Role": "Bedside", "Pin": "s p"}}
	if d := cmp.Diff(want, a); d != "" {
		t.Error(d)
	}
}

func TestPassword(t *testing.T) {
	w := New(about, api.Offers{Password: true})
	if got := script(t, w, "wrong<enter>"); got != Unlock || w.Typed() != "wrong" {
		t.Fatalf("effect %d, typed %q", got, w.Typed())
	}
	w.Refuse("the password is wrong")
	if p := picture(w); w.Typed() != "" || !strings.Contains(p, "the password is wrong") || strings.Contains(p, "*") {
		t.Errorf("typed %q:\n%s", w.Typed(), p)
	}
	w.Unlocked(ward)
	if w.Page() != Sequences || w.Press(keys.Escape) != GiveUp {
		t.Errorf("page %d: the password is not typed twice", w.Page())
	}
}

func TestNoDisk(t *testing.T) {
	w := New(about, api.Offers{Offers: []api.Offer{{Name: "Wipe", Destructive: true}}})
	w.Press('1')
	if w.Press(keys.Enter) != ListDisks {
		t.Fatal("the disks were not asked for")
	}
	for _, err := range []error{nil, errors.New("no /sys")} {
		w.Disks(nil, err)
		if w.Page() != Sequences || w.problem == "" {
			t.Errorf("page %d without a disk (%v)", w.Page(), err)
		}
	}
}

func TestNetwork(t *testing.T) {
	w := New(about, ward)
	if script(t, w, "<f2>"); w.Page() != Sequences {
		t.Fatal("a network page without adapters")
	}
	w.Adapters(adapters)
	for _, tt := range []struct {
		name, keys string
		want       Effect
		wanted     string
		problem    string
	}{
		{"DHCP", "<enter>", TryNetwork, "{eth0 invalid Prefix invalid IP []}", ""},
		{"the other adapter", "<up><back>2<enter><enter>", TryNetwork, "{eth1 invalid Prefix invalid IP []}", ""},
		{"static", "10.1.2.3/24<enter><enter><enter>", TryNetwork, "{eth0 10.1.2.3/24 invalid IP []}", ""},
		{"all of it", "10.1.2.3/24<enter>10.1.2.1<enter>10.9.9.9<enter>", TryNetwork, "{eth0 10.1.2.3/24 10.1.2.1 [10.9.9.9]}", ""},
		{"no prefix", "10.1.2.3<enter>", Stay, "", "length of its prefix"},
		{"loopback", "127.0.0.1/8<enter>", Stay, "", "length of its prefix"},
		{"gateway elsewhere", "10.1.2.3/24<enter>10.1.3.1<enter>", Stay, "", "within 10.1.2.0/24"},
		{"name server", "10.1.2.3/24<enter><enter>x<enter>", Stay, "", "name server"},
		{"no such adapter", "<up><back>7<enter><enter>", Stay, "", "1 to 2"},
	} {
		w := New(about, ward)
		w.Adapters(adapters)
		got := script(t, w, "<f2>"+tt.keys)
		if got != tt.want || got == TryNetwork && fmt.Sprint(w.Wanted()) != tt.wanted || !strings.Contains(w.problem, tt.problem) || tt.problem == "" && w.problem != "" {
			t.Errorf("%s: effect %d, %v, %q", tt.name, got, w.Wanted(), w.problem)
		}
	}
	script(t, w, "<f2><enter>")
	w.Tested(adapters, errors.New("the box does not answer"))
	if w.Page() != Network || w.problem != "the box does not answer" {
		t.Errorf("page %d, %q", w.Page(), w.problem)
	}
	w.Tested(adapters, nil)
	if w.Page() != Sequences || !strings.Contains(picture(w), "the network works") {
		t.Errorf("page %d\n%s", w.Page(), picture(w))
	}
}

// FuzzKeys: whatever is typed, nothing begins that erases a disk unless YES stood on the summary
// and the last key was Enter; each page fits the screen; and nobody is ever stuck.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("1\r\r\r4\r\r\rYES\r"), true, false)
	f.Add([]byte("\xf1\xf1\r\xf4\xf5\xf1YES\r"), false, true)
	f.Add([]byte("\xf6\xf0\xf11\r10.0.0.1/8\r\xf5YES\rYES\r"), true, false)
	special := []keys.Key{keys.Up, keys.Down, keys.Left, keys.Right, keys.Escape, keys.Enter, keys.F2, keys.Other, keys.Tab, keys.PageUp, keys.Backspace}
	f.Fuzz(func(t *testing.T, typed []byte, disk, locked bool) {
		offers := ward
		if locked {
			offers = api.Offers{Password: true}
		}
		w := New(about, offers)
		w.Adapters(adapters)
		for _, b := range typed {
			k := keys.Key(b)
			if b >= 0xf0 {
				k = special[int(b-0xf0)%len(special)]
			}
			page, line := w.Page(), w.Typed()
			effect := w.Press(k)
			if effect == Begin && w.Answers().Offer.Destructive && (page != Summary || line != "YES" || k != keys.Enter && k != '\n' && k != keys.Right) {
				t.Fatalf("began on page %d with %q typed, by key %q", page, line, k)
			}
			drive(w, effect, disk, len(typed)%2 == 0)
			fits(t, w)
			if effect == Begin || effect == GiveUp {
				return
			}
		}
		for range 20 {
			if w.Press(keys.Escape) == GiveUp {
				return
			}
		}
		t.Fatal("Escape does not lead out")
	})
}

// drive does what an effect asks for.
func drive(w *Wizard, effect Effect, disk, good bool) {
	switch effect {
	case ListDisks:
		if disk {
			w.Disks(disks, nil)
		} else {
			w.Disks(nil, nil)
		}
	case Unlock:
		if good {
			w.Unlocked(ward)
		} else {
			w.Refuse("the password is wrong")
		}
	case TryNetwork:
		if good {
			w.Tested(adapters, nil)
		} else {
			w.Tested(adapters, errors.New("the box does not answer"))
		}
	}
}

func fits(t *testing.T, w *Wizard) {
	t.Helper()
	lines, row, column := w.Lines()
	if len(lines) != Height || row < 0 || row >= Height-2 || column < 0 || column > Width {
		t.Fatalf("%d lines, cursor at %d, %d\n%s", len(lines), row, column, strings.Join(lines, "\n"))
	}
	for _, l := range lines {
		if utf8.RuneCountInString(l) > Width || strings.ContainsFunc(l, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			t.Fatalf("line %q", l)
		}
	}
}

// TestLongAnswer: what is typed may be as long as an answer; the end of it is shown, beside its
// label, with the cursor behind it.
func TestLongAnswer(t *testing.T) {
	text := strings.Repeat("0123456789", 12) + "abcdefgh" // 128
	for _, label := range []struct{ name, usual, want string }{
		{"short", "", "Answer: "}, {"long", strings.Repeat("u", maxShown), "Answer [" + strings.Repeat("u", maxShown) + "]: "},
	} {
		w := New(about, api.Offers{Offers: []api.Offer{{Name: "Look", Sequence: "Look", Questions: []sequence.Question{{Variable: "X", Prompt: "What?", Default: label.usual}}}}})
		script(t, w, "1<enter>"+text+"i")
		if w.Typed() != text {
			t.Errorf("%s: %d characters, want %d", label.name, len(w.Typed()), len(text))
		}
		lines, row, column := w.Lines()
		if got := lines[row]; !strings.HasPrefix(got, label.want) || !strings.HasSuffix(got, "89abcdefgh") || len(got) != Width-1 || column != len(got) {
			t.Errorf("%s: %q, cursor in column %d", label.name, got, column)
		}
		script(t, w, "<back>")
		if lines, row, _ := w.Lines(); !strings.HasSuffix(lines[row], "9abcdefg") {
			t.Errorf("%s: %q", label.name, lines[row])
		}
		if script(t, w, "<enter>"); w.Answers().Values["X"] != text[:len(text)-1] {
			t.Errorf("%s: answer %q", label.name, w.Answers().Values["X"])
		}
	}
}
