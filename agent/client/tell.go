package client

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Tell writes a text to the terminals of people, as wall(1) does. A terminal that
// takes nothing at once, since somebody stopped its output, is left out: nobody
// may hold the client up.
func (p *People) Tell(to []Session, text string) error {
	message := fmt.Sprintf("\r\n\aMessage of the deployment agent (%s):\r\n  %s\r\n\r\n", time.Now().Format("15:04"), plain(text))
	var errs []error
	for _, s := range to {
		if s.Terminal == "" {
			continue
		}
		if err := write(filepath.Join(p.Devices, s.Terminal), message); err != nil {
			errs = append(errs, fmt.Errorf("tell %s at %s: %w", s.User, s.Terminal, err))
		}
	}
	return errors.Join(errs...)
}

// write writes to a character device, never to anything else.
func write(path, message string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return errors.New("it is no terminal")
	}
	_, err = unix.Write(fd, []byte(message))
	return err
}
