-- What a list of credentials says of them; nothing is known of those made before.
ALTER TABLE credentials ADD COLUMN serial  TEXT NOT NULL DEFAULT ''; -- of a certificate, hexadecimal
ALTER TABLE credentials ADD COLUMN made_at TEXT NOT NULL DEFAULT '0001-01-01T00:00:00.000000000Z';
ALTER TABLE credentials ADD COLUMN made_by TEXT NOT NULL DEFAULT ''; -- name of the person who asked for it
