// Command bootward is the site and its command line: `bootward site serve` is
// the central site; every other verb speaks to one, by the context file that
// `bootward site init` writes.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by policy or safety,
// 130 interrupted.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // time zones of advertisements, on machines that have none
)

// version is set by the build: -ldflags "-X main.version=…".
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := run(ctx, newApp(os.Stdin, os.Stdout, os.Stderr, os.Getenv), os.Args[1:])
	stop()
	os.Exit(code)
}
