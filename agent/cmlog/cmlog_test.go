package cmlog

import (
	"flag"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func TestGolden(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC)
	var b strings.Builder
	b.WriteString(Format(at, 1, "TSManager", "engine.go:1022", "Start executing an instruction"))
	b.WriteString(Format(at.In(time.FixedZone("CET", 3600)), 2, "TSPXE", "boot.go:7", "two\nlines"))
	b.WriteString(Format(at.In(time.FixedZone("EST", -5*3600)), 3, "a\"b<c>", "", "tricky ]LOG]!><time= text \xff"))
	if *update {
		if err := os.WriteFile("testdata/smsts.log", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/smsts.log")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Error(d)
	}
}

func TestHandler(t *testing.T) {
	var b strings.Builder
	log := slog.New(NewHandler(&b, slog.LevelInfo, func(s string) string { return strings.ReplaceAll(s, "hunter22", "***") }))
	log.With("component", "TSAgent", "job", "j1").Warn("password is hunter22", "n", 3)
	log.Debug("not this")
	form := regexp.MustCompile(`^<!\[LOG\[password is \*\*\* job=j1 n=3\]LOG\]!><time="\d\d:\d\d:\d\d\.\d{3}[+-]\d{3}" date="\d\d-\d\d-\d{4}" component="TSAgent" context="" type="2" thread="1" file="cmlog_test.go:\d+">\r\n$`)
	if !form.MatchString(b.String()) {
		t.Errorf("got %q", b.String())
	}
}
