package tool

import (
	"context"
	"testing"
)

func TestLoader(t *testing.T) {
	var got string
	l := Loader{Runner: Exec{}, Path: "/lib64/ld-linux-x86-64.so.2", Library: "/lib/x86_64-linux-gnu", Bin: "/bin"}
	err := l.Run(t.Context(), Command{Path: "echo", Args: []string{"a", "b"}, Line: func(s string) { got = s }})
	if err != nil || got != "a b" {
		t.Errorf("%q, %v", got, err)
	}
	l.Runner = Func(func(_ context.Context, c Command) error { got = c.String(); return nil })
	if err := l.Run(t.Context(), Command{Path: "/usr/sbin/grub-install", Root: "/target"}); err != nil || got != "chroot /target /usr/sbin/grub-install" {
		t.Errorf("%q, %v", got, err)
	}
}
