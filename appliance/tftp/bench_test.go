package tftp

import (
	"fmt"
	"testing"

	"github.com/bootward/bootward/appliance/tftp/tftptest"
)

// BenchmarkTransfer sends 25 MB in blocks of 1428 over loopback, by window size; 0 is a bare
// request in blocks of 512. Peers are measured by scripts/bench tftp.
func BenchmarkTransfer(b *testing.B) {
	data := content(25 << 20)
	for _, window := range []int{0, 1, 4, 16, 64} {
		b.Run(fmt.Sprint("window=", window), func(b *testing.B) {
			at, _, done := serve(b, "127.0.0.1:0", map[string][]byte{"f": data})
			c := tftptest.Client{Server: at, Window: window}
			if window > 0 {
				c.Block = 1428
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := c.Fetch(b.Context(), "f")
				if err != nil || r.Bytes != int64(len(data)) || r.Resent > 0 {
					b.Fatalf("%+v, %v", r, err)
				}
				<-done
			}
		})
	}
}
