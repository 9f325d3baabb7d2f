package main

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/wake"
)

// advertise applies the ward's advertisement with other options.
func (r *rig) advertise(options string) {
	r.t.Helper()
	yaml := ward[strings.Index(ward, "kind: Advertisement"):] + options
	if _, err := r.site.Apply(r.t.Context(), "ann", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "a.yaml", YAML: yaml}}}); err != nil {
		r.t.Fatal(err)
	}
}

// lose takes the largest file out of the box's store, as a copy that is not
// whole would lack it, and says where it was.
func (r *rig) lose() string {
	r.t.Helper()
	largest, size := "", int64(0)
	err := filepath.WalkDir(filepath.Join(r.dir, "content", "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size {
			largest, size = path, info.Size()
		}
		return err
	})
	if err := errors.Join(err, os.Remove(largest)); err != nil {
		r.t.Fatal(err)
	}
	return largest
}

// TestRemoteDistributionPoint: a box that lacks the image offers nothing, unless
// the advertisement lets it pass the image on from its site; that needs the line.
func TestRemoteDistributionPoint(t *testing.T) {
	for _, options := range []string{"", "remoteDistributionPoint: true\ncontent: download\nshowProgress: false\n"} {
		r := newRig(t)
		r.advertise(options)
		r.startBox()
		r.ready()
		lost := r.lose()
		m := r.target(mac1, guid)
		var o api.Offers
		code, text := m.call(api.RouteOffers, m.id, &o)
		if options == "" {
			if code != http.StatusOK || len(o.Offers) != 0 || !strings.Contains(text, "not complete at this box yet") {
				t.Errorf("without: %d %s", code, text)
			}
			continue
		}
		if _, code, text := m.claim(mandatory(t, m)); code != http.StatusOK {
			t.Fatalf("claim: %d %s", code, text)
		}
		var job api.Job
		if code, text := m.call(api.RouteJob, nil, &job); code != http.StatusOK || !job.Download || !job.HideProgress || !job.Content[0].Remote {
			t.Fatalf("job: %d %s", code, text)
		}
		fetchContent(t, m, job)
		if _, err := os.Stat(lost); !errors.Is(err, fs.ErrNotExist) {
			t.Error("the box stored what it passed on")
		}
		r.line.cut()
		other := r.target(mac2, strings.Replace(guid, "4c", "5d", 1))
		r.eventually("the box sees that the line is down", func() error {
			var o api.Offers
			if code, text := other.call(api.RouteOffers, other.id, &o); code != http.StatusOK || len(o.Offers) != 0 || !strings.Contains(text, "the line to the site is down") {
				return errors.New(text)
			}
			return nil
		})
	}
}

// TestWakeOnASegment: the machines of an assignment get their magic packets on
// the box's segment, and their flight recorders say so.
func TestWakeOnASegment(t *testing.T) {
	r, s := onSegment(t)
	if r == nil {
		return
	}
	var conn *net.UDPConn
	s.Do(t, "client", func() {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{Port: 9})
		if err != nil {
			t.Error(err)
		}
		conn = c
	})
	if conn == nil {
		t.FailNow()
	}
	defer conn.Close()
	r.advertise("wakeOnLAN: true\n")
	r.startBox()
	r.ready()
	if err := conn.SetReadDeadline(time.Now().Add(40 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	for _, want := range []string{mac1, mac2} {
		mac, err := net.ParseMAC(want)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(buf); err != nil || !bytes.Equal(buf[:n], wake.Packet(mac)) {
			t.Fatalf("wake of %s: %x, %v", want, buf[:n], err)
		}
	}
	r.eventually("flight recorder at the site", func() error {
		events, err := r.site.Flight(t.Context(), "ann", mac1)
		for _, e := range events {
			if e.What == "wake" && strings.Contains(e.Text, "ward7-pc1 is woken for Install") {
				return nil
			}
		}
		return errors.Join(err, errors.New("nothing of a wake"))
	})
}
