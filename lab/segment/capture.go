package segment

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/bootward/bootward/lab/process"
)

// Capture is a running packet capture.
type Capture struct {
	process *process.Process
	file    string
}

// Capture writes every packet on the bridge to a file in pcap form, from when it returns until Stop, Close or the end
// of ctx. What tcpdump says goes to the file's name with .log behind.
func (s *Segment) Capture(ctx context.Context, file string) (*Capture, error) {
	child, err := s.startUntil(ctx, s.Namespace(), file+".log", "listening on",
		"tcpdump", "-i", Bridge, "-n", "-U", "--immediate-mode", "-Z", "root", "-w", file)
	if err != nil {
		return nil, err
	}
	return &Capture{process: child, file: file}, nil
}

// Stop ends the capture and returns when its file is complete.
func (c *Capture) Stop() error {
	if err := c.process.Stop(syscall.SIGINT, 10*time.Second); err != nil {
		return fmt.Errorf("end capture %s: %w", c.file, err)
	}
	return nil
}
