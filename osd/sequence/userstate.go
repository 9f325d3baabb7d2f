package sequence

import "fmt"

// RequestStateStore asks a state migration point for a place (Request State Store).
type RequestStateStore struct {
	Options
	For   string   `json:"for"`             // capture or restore
	Tries int      `json:"tries,omitempty"` // OSDStateSMPRetryCount
	Delay Duration `json:"delay,omitzero"`  // OSDStateSMPRetryTime
}

// CaptureUserState saves what users have (Capture User State).
type CaptureUserState struct {
	Options
	Package         string   `json:"package,omitempty"` // with rules of its own
	Rules           []string `json:"rules,omitempty"`   // files of the package
	SkipEncrypted   bool     `json:"skipEncrypted,omitempty"`
	ContinueOnLocks bool     `json:"continueOnLocks,omitempty"` // files that are in use are left out
}

// RestoreUserState gives it back (Restore User State).
type RestoreUserState struct {
	Options
	Package         string   `json:"package,omitempty"`
	Rules           []string `json:"rules,omitempty"`
	LocalAccounts   bool     `json:"localAccounts,omitempty"` // restores them with a password
	ContinueOnLocks bool     `json:"continueOnLocks,omitempty"`
}

// ReleaseStateStore says that the place is not needed any more (Release State Store).
type ReleaseStateStore struct {
	Options
}

// Type implements Step.
func (*RequestStateStore) Type() Type { return TypeRequestStateStore }
func (*CaptureUserState) Type() Type  { return TypeCaptureUserState }
func (*RestoreUserState) Type() Type  { return TypeRestoreUserState }
func (*ReleaseStateStore) Type() Type { return TypeReleaseStateStore }

func (r *RequestStateStore) check(c *checker) {
	c.oneOf("for", r.For, "capture", "restore")
	if r.Tries < 0 || r.Tries > 600 {
		c.fail("tries", fmt.Sprint(r.Tries), "give 0 to 600")
	}
}

func (s *CaptureUserState) check(c *checker) { c.rules(s.Package, s.Rules) }
func (s *RestoreUserState) check(c *checker) { c.rules(s.Package, s.Rules) }
func (*ReleaseStateStore) check(*checker)    {}
func (c *checker) rules(p string, r []string) {
	if len(r) > 0 {
		c.given("package", p, "name the package that holds the rules")
	}
}
