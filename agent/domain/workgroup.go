package domain

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/bootward/bootward/agent/tree"
)

// smbFile is the set-up of Samba. A system without Samba has no workgroup.
const smbFile = "etc/samba/smb.conf"

// SetWorkgroup writes the workgroup into the set-up of Samba of the system at dir, and says whether there was one.
func SetWorkgroup(dir, name string) (bool, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return false, fmt.Errorf("join workgroup %s: %w", name, err)
	}
	defer root.Close()
	if _, err := root.Stat(smbFile); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	err = tree.Edit(root, smbFile, func(conf []byte) ([]byte, error) { return []byte(setGlobal(string(conf), "workgroup", name)), nil })
	if err != nil {
		return false, fmt.Errorf("join workgroup %s: %w", name, err)
	}
	return true, nil
}

// Membership is what a system is a member of; both are empty if it is a member of nothing.
type Membership struct{ Domain, Workgroup string }

// ReadMembership reads it out of the system at dir: sssd's domain or, of Samba, the realm or the workgroup.
func ReadMembership(dir string) (Membership, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Membership{}, fmt.Errorf("read the membership: %w", err)
	}
	defer root.Close()
	var texts [2]string
	for i, name := range []string{sssdFile, smbFile} {
		raw, err := root.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Membership{}, fmt.Errorf("read the membership: %w", err)
		}
		texts[i] = string(raw)
	}
	return membership(texts[0], texts[1]), nil
}

func membership(sssd, smb string) Membership {
	for _, s := range sections(sssd) {
		if name, ok := strings.CutPrefix(s.name, "domain/"); ok && s.values["id_provider"] == "ad" {
			if ad := s.values["ad_domain"]; ad != "" {
				name = ad
			}
			return Membership{Domain: strings.ToLower(name)}
		}
	}
	for _, s := range sections(smb) {
		if s.name != "global" {
			continue
		}
		if strings.EqualFold(s.values["security"], "ads") && s.values["realm"] != "" {
			return Membership{Domain: strings.ToLower(s.values["realm"])}
		}
		return Membership{Workgroup: s.values["workgroup"]}
	}
	return Membership{}
}

// section is one of an ini file; names are in small letters.
type section struct {
	name   string
	values map[string]string
}

func sections(text string) (out []section) {
	for line := range strings.Lines(text) {
		if name, ok := heading(line); ok {
			out = append(out, section{name, map[string]string{}})
			continue
		}
		if key, value, ok := setting(line); ok && len(out) > 0 {
			out[len(out)-1].values[key] = value
		}
	}
	return out
}

func heading(line string) (string, bool) {
	line = strings.TrimSpace(line)
	if len(line) < 2 || line[0] != '[' || line[len(line)-1] != ']' {
		return "", false
	}
	return strings.ToLower(line[1 : len(line)-1]), true
}

func setting(line string) (key, value string, ok bool) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' || line[0] == ';' {
		return "", "", false
	}
	key, value, ok = strings.Cut(line, "=")
	return strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value), ok
}

// setGlobal sets a value of the section global, in the place of the first that has its name; all else stays.
func setGlobal(conf, key, value string) string {
	if conf != "" && !strings.HasSuffix(conf, "\n") {
		conf += "\n"
	}
	var out strings.Builder
	entry := "   " + key + " = " + value + "\n"
	global, done, lead := false, false, true // what leads, before any section, is Samba's global too
	for line := range strings.Lines(conf) {
		if name, ok := heading(line); ok {
			if global && !done { // global ended without it
				out.WriteString(entry)
				done = true
			}
			global, lead = name == "global", false
		}
		if k, _, ok := setting(line); ok && (global || lead) && k == key {
			if !done && !lead {
				out.WriteString(entry)
				done = true
			}
			continue
		}
		out.WriteString(line)
	}
	switch {
	case done:
	case global:
		out.WriteString(entry)
	default:
		return "[global]\n" + entry + out.String()
	}
	return out.String()
}
