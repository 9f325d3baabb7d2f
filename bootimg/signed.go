package bootimg

import "fmt"

// Where the kit has what starts a kernel under Secure Boot, and how the files are
// named in a boot image: shim asks for grubx64.efi beside itself.
const (
	shimSource = "efi/shimx64.efi"
	grubSource = "efi/grubnetx64.efi"

	ShimName = "shimx64.efi"
	GRUBName = "grubx64.efi"
)

// Chain is the signed programs that start the image's kernel under Secure Boot.
type Chain struct{ Shim, GRUB []byte }

// signedChain takes the chain out of a kit and holds it, and the kernel, against the
// revocations: an image that today's firmware refuses is better not made.
func signedChain(read func(string) ([]byte, error), kernel []byte, r Revocations) (Chain, error) {
	var c Chain
	for _, part := range []struct {
		source, component string
		data              *[]byte
	}{{shimSource, "shim", &c.Shim}, {grubSource, "grub", &c.GRUB}} {
		data, err := read(part.source)
		if err != nil {
			return Chain{}, err
		}
		if err := r.Check(part.source, part.component, data); err != nil {
			return Chain{}, fmt.Errorf("secure boot: %w", err)
		}
		*part.data = data
	}
	if err := r.Check("linux/vmlinuz", "", kernel); err != nil {
		return Chain{}, fmt.Errorf("secure boot: %w", err)
	}
	return c, nil
}
