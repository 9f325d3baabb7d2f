package network

import (
	"context"
	"fmt"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// WaitCarrier waits until a link that is up has a carrier, or ctx ends. It listens to the kernel and does not poll.
func WaitCarrier(ctx context.Context, name string) error {
	return waitLinks(ctx, func(all []Link) bool {
		for _, l := range all {
			if l.Name == name {
				return l.Carrier
			}
		}
		return false
	})
}

// carrierPatience is how long a DHCP exchange waits for a carrier before it sends anyway; switches and drivers take
// one to four seconds, and a packet sent before is lost.
const carrierPatience = 5 * time.Second

// ready brings a link up and gives it a while to find its carrier.
func ready(ctx context.Context, name string) error {
	if err := Up(ctx, name); err != nil {
		return err
	}
	patient, cancel := context.WithTimeout(ctx, carrierPatience)
	defer cancel()
	if err := WaitCarrier(patient, name); err != nil && patient.Err() == nil {
		return err
	}
	return nil
}

// WaitLink waits until there is an Ethernet link beside lo, or ctx ends, and returns all there are then.
func WaitLink(ctx context.Context) (found []Link, err error) {
	err = waitLinks(ctx, func(all []Link) bool {
		found = found[:0]
		for _, l := range all {
			if !l.Loopback {
				found = append(found, l)
			}
		}
		return len(found) > 0
	})
	return found, err
}

// waitLinks asks about the links now and after every message of the kernel about links.
func waitLinks(ctx context.Context, enough func([]Link) bool) error {
	events, err := rtnetlink.Dial(&netlink.Config{Groups: unix.RTMGRP_LINK})
	if err != nil {
		return fmt.Errorf("listen to links: %w", err)
	}
	defer events.Close()
	stop := context.AfterFunc(ctx, func() { events.Close() })
	defer stop()
	for {
		all, err := Links(ctx)
		if err != nil {
			return err
		}
		if enough(all) {
			return nil
		}
		if _, _, err := events.Receive(); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("wait for a link: %w", ctx.Err())
			}
			continue // messages were lost: look again
		}
	}
}
