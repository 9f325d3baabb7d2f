package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/document"
)

// readDocuments reads a file, the YAML files of a folder and of those in it,
// or, for "-", in.
func readDocuments(path string, in io.Reader) ([]api.Document, error) {
	if path == "-" {
		d, err := readDocument("standard input", in)
		return []api.Document{d}, err
	}
	st, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no such file or folder", path)
	}
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		d, err := openDocument(path)
		return []api.Document{d}, err
	}
	var docs []api.Document
	// The slash makes a link to a folder a folder.
	err = filepath.WalkDir(path+string(filepath.Separator), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if ext := strings.ToLower(filepath.Ext(name)); ext != ".yaml" && ext != ".yml" {
			return nil
		}
		doc, err := openDocument(filepath.Clean(name))
		docs = append(docs, doc)
		return err
	})
	if err == nil && len(docs) == 0 {
		err = fmt.Errorf("%s: the folder holds no file *.yaml or *.yml", path)
	}
	return docs, err
}

func openDocument(name string) (api.Document, error) {
	f, err := os.Open(name)
	if err != nil {
		return api.Document{}, err
	}
	d, err := readDocument(name, f)
	return d, errors.Join(err, f.Close())
}

// readDocument refuses what the site would refuse, before it is sent, and what
// JSON would not carry as it is.
func readDocument(name string, r io.Reader) (api.Document, error) {
	b, err := io.ReadAll(io.LimitReader(r, document.MaxBytes+1))
	if err != nil {
		return api.Document{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(b) > document.MaxBytes {
		return api.Document{}, fmt.Errorf("%s: has more than %s, which is the most of one file; split it", name, bytesText(document.MaxBytes))
	}
	if at := notUTF8(b); at >= 0 {
		line := 1 + strings.Count(string(b[:at]), "\n")
		return api.Document{}, fmt.Errorf("%s:%d: is not UTF-8 text (byte 0x%02x); save it in that encoding", name, line, b[at])
	}
	return api.Document{File: name, YAML: string(b)}, nil
}

// notUTF8 is the place of the first byte that is no UTF-8, or -1.
func notUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}
