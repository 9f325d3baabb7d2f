CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;
INSERT INTO counters (name, value) VALUES ('object', 0), ('epoch', 1), ('policy', 0);

CREATE TABLE objects (
  id       TEXT PRIMARY KEY,
  kind     TEXT NOT NULL,
  name     TEXT NOT NULL,
  document BLOB NOT NULL,
  UNIQUE (kind, name)
) STRICT;

CREATE TABLE boxes (
  id          TEXT PRIMARY KEY,
  certificate TEXT NOT NULL UNIQUE,
  state_id    TEXT NOT NULL,
  enrolled_at TEXT NOT NULL,
  last_seen   TEXT NOT NULL,
  check_in    BLOB
) STRICT;

CREATE TABLE tokens (
  hash       TEXT PRIMARY KEY,
  box        TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  used       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX tokens_box ON tokens (box);

CREATE TABLE grants (
  id            TEXT PRIMARY KEY,
  box           TEXT NOT NULL,
  advertisement TEXT NOT NULL,
  computer      TEXT NOT NULL,
  document      BLOB NOT NULL, -- policy.Grant; the state id stands in its own column
  state_id      TEXT NOT NULL DEFAULT '',
  envelope      BLOB
) STRICT;
CREATE INDEX grants_box ON grants (box);
CREATE INDEX grants_advertisement ON grants (advertisement, computer);

CREATE TABLE box_events (
  box      TEXT NOT NULL,
  state_id TEXT NOT NULL,
  next     INTEGER NOT NULL,
  PRIMARY KEY (box, state_id)
) STRICT;

CREATE TABLE messages (
  sequence      INTEGER PRIMARY KEY AUTOINCREMENT,
  box           TEXT NOT NULL,
  job           TEXT NOT NULL,
  number        INTEGER NOT NULL,
  message_id    INTEGER NOT NULL,
  computer      TEXT NOT NULL,
  advertisement TEXT NOT NULL,
  document      BLOB NOT NULL,
  UNIQUE (job, number)
) STRICT;
CREATE INDEX messages_computer ON messages (computer, sequence);
CREATE INDEX messages_advertisement ON messages (advertisement, sequence);

CREATE TABLE flight (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  box      TEXT NOT NULL,
  client   TEXT NOT NULL,
  document BLOB NOT NULL
) STRICT;
CREATE INDEX flight_client ON flight (client, sequence);

CREATE TABLE audit (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  time   TEXT NOT NULL,
  who    TEXT NOT NULL,
  what   TEXT NOT NULL,
  object TEXT NOT NULL,
  text   TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE policies (
  box       TEXT PRIMARY KEY,
  epoch     INTEGER NOT NULL,
  number    INTEGER NOT NULL,
  digest    TEXT NOT NULL,
  issued_at TEXT NOT NULL,
  envelope  BLOB NOT NULL
) STRICT;

CREATE TABLE administrators (
  name       TEXT PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE
) STRICT;
