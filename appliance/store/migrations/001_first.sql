CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  id            TEXT PRIMARY KEY,
  machine       TEXT NOT NULL,    -- what one machine may have one open job of: computer:ID, guid:… or mac:…
  computer      TEXT NOT NULL,    -- ID, empty for a machine that is not known
  name          TEXT NOT NULL,    -- host name
  client        TEXT NOT NULL,    -- first MAC, for the flight recorder
  advertisement TEXT NOT NULL,    -- ID
  sequence      TEXT NOT NULL,    -- name
  key           TEXT NOT NULL UNIQUE, -- fingerprint of the job's public key
  grant_id      TEXT NOT NULL,    -- empty without one
  identity      TEXT NOT NULL,    -- JSON of api.Identity, pinned
  document      TEXT NOT NULL,    -- JSON of api.Job, pinned
  state         TEXT NOT NULL,    -- open, halted, succeeded, failed, abandoned
  reason        TEXT NOT NULL DEFAULT '',
  opened        INTEGER NOT NULL, -- Unix time, ms
  seen          INTEGER NOT NULL, -- last sign of life, Unix time, ms
  closed        INTEGER NOT NULL DEFAULT 0,
  next          INTEGER NOT NULL DEFAULT 1 -- number of the next status message
) STRICT;
CREATE UNIQUE INDEX jobs_open ON jobs (machine) WHERE state = 'open';
CREATE INDEX jobs_computer ON jobs (machine, opened);

CREATE TABLE grants (
  id   TEXT PRIMARY KEY,
  job  TEXT NOT NULL,
  used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
  job    TEXT NOT NULL,
  number INTEGER NOT NULL,
  body   TEXT NOT NULL,
  PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE pxe (
  mac      TEXT PRIMARY KEY,
  guid     TEXT NOT NULL,
  first    INTEGER NOT NULL,
  last     INTEGER NOT NULL,
  outcome  TEXT NOT NULL,
  declined INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
  address  TEXT PRIMARY KEY,
  client   TEXT NOT NULL,
  mac      TEXT NOT NULL,
  expires  INTEGER NOT NULL,
  declined INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  number INTEGER PRIMARY KEY,
  time   INTEGER NOT NULL,
  body   TEXT NOT NULL
) STRICT;
INSERT INTO meta (key, value) VALUES ('outboxNext', '1'), ('outboxAcked', '1');
