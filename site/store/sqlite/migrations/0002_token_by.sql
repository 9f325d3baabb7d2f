ALTER TABLE tokens ADD COLUMN used_by TEXT NOT NULL DEFAULT ''; -- fingerprint of the box's keys and state
