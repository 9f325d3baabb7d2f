package console

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const (
	smallTerminal = 80
	// wideLine is what a line may have where no terminal sets a limit.
	wideLine = 132
)

// columns is the width of the terminal that w is, and otherwise where there is none.
func columns(w io.Writer, otherwise int) int {
	f, ok := w.(*os.File)
	if !ok {
		return otherwise
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 {
		return otherwise
	}
	return max(int(size.Col), 40)
}
