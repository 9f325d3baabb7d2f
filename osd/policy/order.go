package policy

import "time"

// Order is what an administrator told a box. It travels in signed policy; the
// box carries each out once, by its ID, until it ends, and reports it in the
// audit log.
type Order struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // OrderResume, OrderClearPXE, OrderRetry, OrderWake, OrderApprove or OrderDeny
	// Computers are IDs; of OrderClearPXE, OrderRetry and OrderWake.
	Computers []string `json:"computers,omitempty"`
	// Approval is the ID of what a machine waits for; of OrderApprove and
	// OrderDeny.
	Approval  string    `json:"approval,omitempty"`
	By        string    `json:"by"`
	IssuedAt  time.Time `json:"issuedAt"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// The kinds of orders.
const (
	// OrderResume lets a box go on that the wipe interlock stopped.
	OrderResume = "resume"
	// OrderClearPXE makes computers forget that they ran mandatory
	// advertisements. Used grants stay used.
	OrderClearPXE = "clearPXE"
	// OrderRetry lets the failed jobs of computers go on at the step that failed, when
	// their machines ask for it.
	OrderRetry = "retry"
	// OrderWake sends wake-on-LAN packets to computers.
	OrderWake = "wake"
	// OrderApprove and OrderDeny decide on a machine that waits for approval.
	OrderApprove = "approve"
	OrderDeny    = "deny"
)
