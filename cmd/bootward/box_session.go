package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/site/client"
)

// runRemote opens a session at the box, does something in it, and ends it. The
// context file says whom to believe; the site is not asked.
func runRemote(ctx context.Context, a *app, args []string, do func(context.Context, *app, *boxclient.Client, []string) error) error {
	file, err := a.contextPath()
	if err != nil {
		return err
	}
	c, err := client.LoadContext(file)
	if err != nil {
		return err
	}
	anchor, err := c.TrustAnchor()
	if err != nil {
		return err
	}
	var cert *tls.Certificate
	if a.remote.as == "" {
		if cert, err = c.PersonCertificate(); err != nil {
			return err
		}
		if cert == nil {
			return &usageError{fmt.Errorf("--box: say who you are with --as NAME; context %s names no certificate", file)}
		}
	}
	box, err := boxclient.New(anchor, a.remote.box, cert)
	if err != nil {
		return &usageError{err}
	}
	defer box.Close()
	if cert == nil {
		pin, err := a.pin(ctx)
		if err != nil {
			return err
		}
		if _, err := box.SignIn(ctx, a.remote.as, pin); err != nil {
			return err
		}
	}
	err = do(ctx, a, box, args)
	// A session that cannot be ended ends by itself.
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, box.SignOut(leave))
}

// maxPIN is the longest PIN that is read, in bytes.
const maxPIN = 128

// pin reads the PIN from a file, or asks for it without an echo. It is never an
// argument: those stand in histories and in the list of processes.
func (a *app) pin(ctx context.Context) (string, error) {
	if a.remote.pinFile == "" {
		return a.askPIN(ctx)
	}
	in := a.in
	if a.remote.pinFile != "-" {
		f, err := os.Open(a.remote.pinFile)
		if err != nil {
			return "", fmt.Errorf("--pin-file: %w", err)
		}
		defer f.Close()
		in = f
	}
	line, err := bufio.NewReader(io.LimitReader(in, maxPIN+2)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("--pin-file %s: %w", a.remote.pinFile, err)
	}
	pin := strings.TrimRight(line, "\r\n")
	if pin == "" || len(pin) > maxPIN {
		return "", &usageError{fmt.Errorf("--pin-file %s: its first line is to hold the PIN, 1 to %d bytes", a.remote.pinFile, maxPIN)}
	}
	return pin, nil
}

func (a *app) askPIN(ctx context.Context) (string, error) {
	f, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", &usageError{errors.New("the PIN is asked for on a terminal, and here is none: give --pin-file FILE")}
	}
	fmt.Fprintf(a.err, "PIN of %s at %s: ", a.remote.as, a.remote.box)
	pin, err := a.askHidden(ctx, f)
	if err != nil {
		return "", fmt.Errorf("read the PIN: %w", err)
	}
	return pin, nil
}
