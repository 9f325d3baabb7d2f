package appliance

import (
	"context"
	"io"
	"net/netip"
	"strings"
	"sync"

	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/internal/recent"
)

// chains remembers which boot image a client's GRUB came from: the signed GRUB asks
// for its configuration by a name that says nothing of the image.
type chains struct {
	mu sync.Mutex
	of recent.Map[netip.Addr, string]
}

// maxChains is for how many clients that is remembered; it is wanted for seconds.
const maxChains = 4096

func (c *chains) note(client netip.Addr, id, file string) {
	if file != pxe.GRUBName {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of.Put(client, id, maxChains)
}

func (c *chains) image(client netip.Addr) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	id, _ := c.of.Get(client)
	return id
}

// grubConfig makes the configuration of the signed GRUB for a client that has just
// loaded that GRUB.
func (b *Box) grubConfig(ctx context.Context, client netip.Addr) (io.ReadSeekCloser, int64, error) {
	id := b.chains.image(client)
	if id == "" { // the box was started again: without a configuration GRUB stays at its prompt
		return made{strings.NewReader(pxe.GRUBExit)}, int64(len(pxe.GRUBExit)), nil
	}
	arguments, err := b.arguments(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	text, err := pxe.GRUBConfig(id, arguments)
	if err != nil {
		return nil, 0, err
	}
	return made{strings.NewReader(text)}, int64(len(text)), nil
}

// made is a file that was made for one request.
type made struct{ *strings.Reader }

func (made) Close() error { return nil }
