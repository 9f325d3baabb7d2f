package share

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	for path, want := range map[string]string{
		"//files/deploy$": "//files/deploy$", `\\files\deploy\a b\`: "//files/deploy/a b", "//10.1.2.3/x": "//10.1.2.3/x",
		"/files/x": "", "//files": "", "//files/": "", "///x": "", "//files/a,ip=1": "", "files/x/y": "",
	} {
		s, err := Parse(path)
		if want == "" && err == nil || want != "" && (err != nil || s.String() != want) {
			t.Errorf("%q: %v, %v", path, s, err)
		}
	}
}

func TestOptions(t *testing.T) {
	at := netip.MustParseAddr("10.1.2.3")
	for _, tt := range []struct{ account, password, want string }{
		{"", "", "ip=10.1.2.3,iocharset=utf8,soft,sec=none"},
		{"deploy", "a,b,", "ip=10.1.2.3,iocharset=utf8,soft,username=deploy,password=a,,b,,"},
		{`WARD\deploy`, "x", "ip=10.1.2.3,iocharset=utf8,soft,domain=WARD,username=deploy,password=x"},
		{"deploy@ward.example", "x", "ip=10.1.2.3,iocharset=utf8,soft,username=deploy@ward.example,password=x"},
	} {
		s, err := Share{Host: "files", Folder: "x"}.As(tt.account, tt.password)
		if got := s.options(at); err != nil || got != tt.want {
			t.Errorf("%q: %s, %v", tt.account, got, err)
		}
		if strings.Contains(s.String(), tt.password) && tt.password != "x" && tt.password != "" {
			t.Errorf("%s shows the password", s)
		}
	}
	for _, bad := range [][2]string{{"a,uid=0", "x"}, {`A\B\c`, "x"}, {"a", "x\ny"}} {
		if _, err := (Share{}).As(bad[0], bad[1]); err == nil || strings.Contains(err.Error(), bad[1]+"\"") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestExplain(t *testing.T) {
	s := Share{Host: "files", Folder: "x", User: "deploy", Password: "geheim"}
	for errno, want := range map[unix.Errno]string{
		unix.EACCES: "the account or its password is wrong", unix.ENOENT: "no share", unix.ENODEV: "module cifs", unix.EIO: "input/output error",
	} {
		err := s.explain(errno)
		if !strings.Contains(err.Error(), want) || !errors.Is(err, errno) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%v: %v", errno, err)
		}
	}
}
