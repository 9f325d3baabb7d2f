package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"

	"github.com/bootward/bootward/appliance/dhcp"
)

// Leases returns every lease (dhcp.LeaseStore).
func (s *Store) Leases(ctx context.Context) ([]dhcp.Lease, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT address, client, mac, expires, declined FROM leases")
	if err != nil {
		return nil, fmt.Errorf("read leases: %w", err)
	}
	defer rows.Close()
	var all []dhcp.Lease
	for rows.Next() {
		var l dhcp.Lease
		var address string
		var expires int64
		if err := rows.Scan(&address, &l.Client, &l.MAC, &expires, &l.Declined); err != nil {
			return nil, fmt.Errorf("read leases: %w", err)
		}
		if l.Address, err = netip.ParseAddr(address); err != nil {
			return nil, fmt.Errorf("read leases: %w", err)
		}
		l.Expires = fromMillis(expires)
		all = append(all, l)
	}
	return all, rows.Err()
}

// PutLease keeps a lease in place of the address's former one (dhcp.LeaseStore).
func (s *Store) PutLease(ctx context.Context, l dhcp.Lease) error {
	return s.change(ctx, "keep lease of "+l.Address.String(), func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT OR REPLACE INTO leases (address, client, mac, expires, declined) VALUES (?, ?, ?, ?, ?)",
			l.Address.String(), l.Client, l.MAC, millis(l.Expires), l.Declined)
		return err
	})
}

// DeleteLease forgets a lease (dhcp.LeaseStore).
func (s *Store) DeleteLease(ctx context.Context, a netip.Addr) error {
	return s.change(ctx, "forget lease of "+a.String(), func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM leases WHERE address = ?", a.String())
		return err
	})
}
