package content

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func manifestJSON(file string) []byte {
	return fmt.Appendf(nil, `{"format":1,"files":[%s]}`, file)
}

func TestParseManifestRefuses(t *testing.T) {
	file := func(path, mode, size, chunks string) string {
		return fmt.Sprintf(`{"path":%q,"mode":%s,"size":%s,"sha256":%q,"chunks":[%s]}`, path, mode, size, zeros, chunks)
	}
	chunk := func(offset, length int64) string {
		return fmt.Sprintf(`{"offset":%d,"length":%d,"sha256":%q}`, offset, length, zeros)
	}
	good := file("a", "420", "7", chunk(0, 3)+","+chunk(3, 4))
	if _, err := ParseManifest(manifestJSON(good)); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"empty":           ``,
		"format":          `{"format":2,"files":[]}`,
		"requires":        `{"format":1,"requires":["zstd"],"files":[]}`,
		"twice":           string(manifestJSON(good + "," + good)),
		"gap":             string(manifestJSON(file("a", "420", "7", chunk(0, 3)+","+chunk(4, 3)))),
		"overlap":         string(manifestJSON(file("a", "420", "7", chunk(0, 4)+","+chunk(3, 4)))),
		"short":           string(manifestJSON(file("a", "420", "8", chunk(0, 7)))),
		"negative length": string(manifestJSON(file("a", "420", "7", chunk(0, -1)+","+chunk(-1, 8)))),
		"empty chunk":     string(manifestJSON(file("a", "420", "0", chunk(0, 0)))),
		"long chunk":      string(manifestJSON(file("a", "420", "1048577", chunk(0, MaxChunk+1)))),
		"negative size":   string(manifestJSON(file("a", "420", "-1", ""))),
		"setuid":          string(manifestJSON(file("a", "2541", "7", chunk(0, 7)))),
		"two sizes":       string(manifestJSON(good + "," + file("b", "420", "1", chunk(0, 1)))),
		"file and dir":    string(manifestJSON(good + "," + file("a/b", "420", "7", chunk(0, 7)))),
		"upper case sha":  strings.ReplaceAll(string(manifestJSON(good)), "0000", "AAAA"),
		"too long":        strings.Repeat(" ", MaxManifest+1),
	}
	for _, p := range []string{"", "/a", "..", "../a", "a/../b", "./a", "a//b", "a/", `a\b`, "a\x00b", "a\nb", ".", strings.Repeat("a", maxPath+1)} {
		tests["path "+p] = string(manifestJSON(file(p, "420", "7", chunk(0, 7))))
	}
	for name, text := range tests {
		if m, err := ParseManifest([]byte(text)); err == nil {
			t.Errorf("%s: taken: %+v", name, m)
		}
	}
}

func TestOpenManifest(t *testing.T) {
	digest, envelope := sign(t)
	if _, err := OpenManifest(envelope, digest, testKeys()); err != nil {
		t.Error(err)
	}
	if _, err := OpenManifest(envelope, digest, nil); err == nil {
		t.Error("signed by nobody known, and taken")
	}
	if _, err := OpenManifest(envelope, Digest(nil), testKeys()); err == nil {
		t.Error("another version's manifest was taken")
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add(manifestJSON(""))
	f.Add(manifestJSON(`{"path":"a","mode":420,"size":1,"sha256":"` + zeros + `","chunks":[{"offset":0,"length":1,"sha256":"` + zeros + `"}]}`))
	f.Add(manifestJSON(`{"path":"../a","mode":493,"size":9223372036854775807}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := ParseManifest(payload)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if strings.HasPrefix(file.Path, "/") || strings.Contains("/"+file.Path+"/", "/../") {
				t.Errorf("path %q", file.Path)
			}
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseManifest(again); err != nil {
			t.Errorf("not taken again: %v", err)
		}
	})
}
