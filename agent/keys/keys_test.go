package keys

import "testing"

func FuzzSequence(f *testing.F) {
	for _, text := range []string{"[A", "OB", "[24~", "[19;2~", "[[B", ";", "", "[;"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if k := Sequence(text); k.Printable() || k == Enter || k == Interrupt {
			t.Errorf("%q is %q: no sequence stands for what is typed", text, k)
		}
	})
}

func TestKeys(t *testing.T) {
	if Ctrl('N') != 14 || Ctrl('O') != 15 || Sequence("[1;5A") != Other || Sequence("[24;5~") != F12 {
		t.Error(Ctrl('N'), Sequence("[1;5A"), Sequence("[24;5~"))
	}
}
