package site

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	yaml "go.yaml.in/yaml/v4"
)

// The files of a site's directory.
const (
	configFile   = "site.yaml"
	databaseFile = "site.db"
	anchorFile   = "anchor.json"
	contentDir   = "content"
	keysDir      = "keys"
)

// Config is site.yaml. It is written last by Init and by Restore, so that a
// directory without it is no site.
type Config struct {
	Format int    `yaml:"format"` // 1
	Code   string `yaml:"code"`   // three letters or digits, upper case
}

var siteCode = regexp.MustCompile(`^[A-Z][A-Z0-9]{2}$`)

// CheckCode says whether a site code can be used: three capital letters or
// digits, a letter first.
func CheckCode(code string) error {
	if !siteCode.MatchString(code) {
		return fmt.Errorf("site code %q: give three capital letters or digits that begin with a letter, such as CEN", code)
	}
	return nil
}

// ParseConfig reads site.yaml; unknown keys are errors.
func ParseConfig(r io.Reader) (Config, error) {
	var c Config
	d := yaml.NewDecoder(r)
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("%s: %w", configFile, err)
	}
	if c.Format != 1 {
		return c, fmt.Errorf("%s: format: %d: this program reads format 1", configFile, c.Format)
	}
	if err := CheckCode(c.Code); err != nil {
		return c, fmt.Errorf("%s: code: %w", configFile, err)
	}
	return c, nil
}

// LoadConfig reads the site.yaml of a directory.
func LoadConfig(dir string) (Config, error) {
	b, err := os.ReadFile(filepath.Join(dir, configFile))
	if errors.Is(err, os.ErrNotExist) {
		return Config{}, fmt.Errorf("site directory %s: there is no site; make one with: bootward site init --dir %s --code CEN", dir, dir)
	}
	if err != nil {
		return Config{}, fmt.Errorf("site directory %s: %w", dir, err)
	}
	return ParseConfig(bytes.NewReader(b))
}
