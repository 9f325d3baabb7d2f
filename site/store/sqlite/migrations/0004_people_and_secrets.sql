ALTER TABLE boxes ADD COLUMN sealing_key BLOB; -- public; NULL for a box that enrolled before there was one

CREATE TABLE credentials (
  hash       TEXT PRIMARY KEY, -- of a token, or the SHA-256 of a certificate's DER
  kind       TEXT NOT NULL,    -- token or certificate
  person     TEXT NOT NULL,    -- name
  expires_at TEXT NOT NULL     -- the zero time: never
) STRICT;
CREATE INDEX credentials_person ON credentials (person);
INSERT INTO credentials (hash, kind, person, expires_at) SELECT token_hash, 'token', name, '0001-01-01T00:00:00.000000000Z' FROM administrators;
DROP TABLE administrators;

CREATE TABLE secrets (
  kind     TEXT NOT NULL,      -- secret, pin, pxePassword (osd/policy)
  object   TEXT NOT NULL,      -- ID
  revision INTEGER NOT NULL,
  sealed   BLOB NOT NULL,      -- to the site's key
  PRIMARY KEY (kind, object)
) STRICT;

CREATE TABLE box_secrets (
  box      TEXT NOT NULL,
  kind     TEXT NOT NULL,
  object   TEXT NOT NULL,
  revision INTEGER NOT NULL,
  state_id TEXT NOT NULL,      -- of the box whose key it is sealed to
  sealed   BLOB NOT NULL,
  PRIMARY KEY (box, kind, object)
) STRICT;
