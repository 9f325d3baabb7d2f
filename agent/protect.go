package agent

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/bootward/bootward/agent/unlock"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/diskfs/tool"
	"github.com/bootward/bootward/osd/status"
)

// protectPatience is how long the temporary key may take to go: on a busy, small machine seconds.
const protectPatience = 5 * time.Minute

// protect takes the temporary key of an encrypted system away, if there is one; note says that it
// is gone. It may be repeated. Only an installed system has one.
func protect(ctx context.Context, conf Config) (note string, err error) {
	limited, cancel := context.WithTimeout(ctx, protectPatience)
	defer cancel()
	r := unlock.Remover{Root: conf.Root, Devices: filepath.Join(conf.Root, "dev/disk/by-uuid"), Tools: diskfs.Tools{Runner: tool.Exec{}}}
	gone, err := r.Remove(limited)
	if err != nil {
		err = fmt.Errorf("THE DISK IS NOT PROTECTED: %w", err)
		conf.Console.Line("%s", err)
		return "", err
	}
	if !gone {
		return "", nil
	}
	note = "the disk is protected: the temporary key of the deployment is gone, and from its next start on the machine asks for the passphrase"
	conf.Console.Line("%s", note)
	return note, nil
}

// closing is what the engine does before it reports the end of a sequence.
func (s *session) closing(ctx context.Context) (note string, err error) {
	if s.stage != status.StageInstalledSystem {
		return "", nil
	}
	note, err = protect(ctx, s.conf)
	switch {
	case err != nil:
		s.log.Error("take the temporary key of the encrypted system away", "error", err)
	case note != "":
		s.log.Info(note)
	}
	return note, err
}
