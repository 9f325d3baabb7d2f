package technician

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"
)

// How long sessions last.
const (
	remoteIdle  = 15 * time.Minute // without a request
	consoleIdle = 5 * time.Minute  // without a command
	longest     = 8 * time.Hour
	maxSessions = 100
)

// session is somebody who signed in. Its token is not in it.
type session struct {
	name, id string // of the person
	revision int64  // of the PIN: a new PIN ends the sessions of the old one
	began    time.Time
	used     time.Time
	idle     time.Duration
}

func (s session) ended(now time.Time) bool {
	return now.Sub(s.used) >= s.idle || now.Sub(s.began) >= longest
}

// sessions are kept in memory, by the SHA-256 of their tokens: a box that starts
// again has none. Times are those of the monotonic clock, so that a clock that
// is set right ends no session and revives none. The zero value is ready.
type sessions struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]session
}

// open makes a session and its token, 32 random bytes in base64url.
func (s *sessions) open(name, id string, revision int64, idle time.Duration) string {
	raw := make([]byte, 32)
	rand.Read(raw)
	token := base64.RawURLEncoding.EncodeToString(raw)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tidy(now)
	if s.all == nil {
		s.all = map[[sha256.Size]byte]session{}
	}
	s.all[sha256.Sum256([]byte(token))] = session{name: name, id: id, revision: revision, began: now, used: now, idle: idle}
	return token
}

// tidy drops the sessions that have ended, and the one that was not used for
// longest if there are too many.
func (s *sessions) tidy(now time.Time) {
	var oldest [sha256.Size]byte
	first := now
	for k, one := range s.all {
		if one.ended(now) {
			delete(s.all, k)
		} else if !one.used.After(first) {
			oldest, first = k, one.used
		}
	}
	if len(s.all) >= maxSessions {
		delete(s.all, oldest)
	}
}

// find returns the session of a token. It counts as used if touch is set.
func (s *sessions) find(token string, touch bool) (session, bool) {
	key, now := sha256.Sum256([]byte(token)), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.all[key]
	if !ok {
		return one, false
	}
	if one.ended(now) {
		delete(s.all, key)
		return one, false
	}
	if touch {
		one.used = now
		s.all[key] = one
	}
	return one, true
}

func (s *sessions) close(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, sha256.Sum256([]byte(token)))
}
