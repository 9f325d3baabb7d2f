package rootfs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// KitFormat is the format of kit.json that this package reads.
const KitFormat = 1

// ErrKit is wrapped by every error that means: this kit cannot be used, make or fetch it again.
var ErrKit = errors.New("unusable kit")

// Material is one file of a kit, or of what was made from it, as the bill of materials lists it.
type Material struct {
	Path   string `json:"path"`   // slash-separated, relative
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // 64 lower-case hexadecimal digits
	Origin string `json:"origin"` // "debian PACKAGE VERSION", "go MODULE VERSION", or what made it
}

// Kit is a directory that holds everything images are assembled from: kernel and modules, base archive, our programs,
// tools, loaders; scripts/kit makes it. It is read-only and safe for concurrent use.
type Kit struct {
	Dir     string // where it lies
	Version string // version of our programs in it
	files   map[string]Material
	paths   []string // sorted keys of files
}

// OpenKit reads dir/kit.json. It fails, wrapping ErrKit, if there is none or its format is another one.
func OpenKit(dir string) (*Kit, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "kit.json"))
	if err != nil {
		return nil, fmt.Errorf("kit %s: %w: %w: make it with scripts/kit", dir, ErrKit, err)
	}
	var list struct {
		Format  int        `json:"format"`
		Version string     `json:"version"`
		Files   []Material `json:"files"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("kit %s: %w: kit.json: %w", dir, ErrKit, err)
	}
	if list.Format != KitFormat {
		return nil, fmt.Errorf("kit %s: %w: format %d, this program reads %d", dir, ErrKit, list.Format, KitFormat)
	}
	k := &Kit{Dir: dir, Version: list.Version, files: make(map[string]Material, len(list.Files))}
	for _, m := range list.Files {
		if !fs.ValidPath(m.Path) || len(m.SHA256) != 2*sha256.Size {
			return nil, fmt.Errorf("kit %s: %w: kit.json: bad entry %q", dir, ErrKit, m.Path)
		}
		k.files[m.Path] = m
		k.paths = append(k.paths, m.Path)
	}
	sort.Strings(k.paths)
	return k, nil
}

// Read returns a file of the kit after comparing it with its digest; a difference or an absence wraps ErrKit.
func (k *Kit) Read(name string) ([]byte, error) {
	m, ok := k.files[name]
	if !ok {
		return nil, fmt.Errorf("kit %s: %w: %s is not in kit.json", k.Dir, ErrKit, name)
	}
	data, err := os.ReadFile(filepath.Join(k.Dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("kit %s: %w: %w", k.Dir, ErrKit, err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != m.SHA256 {
		return nil, fmt.Errorf("kit %s: %w: %s differs from its digest in kit.json", k.Dir, ErrKit, name)
	}
	return data, nil
}

// Has reports whether the kit lists the file.
func (k *Kit) Has(name string) bool { _, ok := k.files[name]; return ok }

// Material returns the entry of a file; the zero value if there is none.
func (k *Kit) Material(name string) Material { return k.files[name] }

// List returns the paths below a folder of the kit, sorted; the folder is named without a closing slash.
func (k *Kit) List(folder string) []string {
	i := sort.SearchStrings(k.paths, folder+"/")
	j := i
	for j < len(k.paths) && strings.HasPrefix(k.paths[j], folder+"/") {
		j++
	}
	return k.paths[i:j]
}

// Release is the kernel's release, for example "6.1.0-18-amd64".
func (k *Kit) Release() (string, error) {
	raw, err := k.Read("linux/release")
	if err != nil {
		return "", err
	}
	release := strings.TrimSpace(string(raw))
	if release == "" || path.Base(release) != release {
		return "", fmt.Errorf("kit %s: %w: linux/release says %q", k.Dir, ErrKit, release)
	}
	return release, nil
}

// Describe is the entry that a bill of materials holds for data that was made.
func Describe(name, origin string, data []byte) Material {
	sum := sha256.Sum256(data)
	return Material{Path: name, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:]), Origin: origin}
}
