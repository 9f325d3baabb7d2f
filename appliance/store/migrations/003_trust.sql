ALTER TABLE jobs ADD COLUMN approved TEXT NOT NULL DEFAULT '';      -- who approved it, empty if nobody did
ALTER TABLE jobs ADD COLUMN position INTEGER NOT NULL DEFAULT 1;    -- number of the node at which it stands

CREATE TABLE approvals (
  id       TEXT PRIMARY KEY,
  key      TEXT NOT NULL UNIQUE,        -- fingerprint of the public key that claims
  code     TEXT NOT NULL,
  nonce    BLOB NOT NULL,
  asked    INTEGER NOT NULL,            -- Unix time, ms
  expires  INTEGER NOT NULL,
  decision TEXT NOT NULL DEFAULT '',    -- approve or deny
  who      TEXT NOT NULL DEFAULT '',
  document TEXT NOT NULL                -- JSON of api.PendingApproval
) STRICT;

CREATE TABLE releases (
  job     TEXT NOT NULL,
  step    INTEGER NOT NULL,
  key     TEXT NOT NULL,                -- SHA-256 of the public key that they were sealed to
  time    INTEGER NOT NULL,
  refused INTEGER NOT NULL DEFAULT 0,   -- whether another key asked as well
  PRIMARY KEY (job, step)
) STRICT, WITHOUT ROWID;

ALTER TABLE jobs ADD COLUMN stranger INTEGER NOT NULL DEFAULT 0;    -- 1: the machine was not known, or provisional

CREATE TABLE inventories (
  computer TEXT PRIMARY KEY,            -- ID
  time     INTEGER NOT NULL,            -- Unix time, ms
  document TEXT NOT NULL                -- JSON of inventory.Record
) STRICT;

CREATE TABLE computers (
  id       TEXT PRIMARY KEY,            -- local-…
  document TEXT NOT NULL,               -- JSON of osd.Computer
  merged   TEXT NOT NULL DEFAULT ''     -- ID at the site, once its policy knows the machine
) STRICT;

CREATE TABLE tries (
  subject TEXT PRIMARY KEY,             -- whose PIN or password
  failed  INTEGER NOT NULL,             -- in a row
  until   INTEGER NOT NULL              -- no try before, Unix time, ms
) STRICT, WITHOUT ROWID;

CREATE TABLE wakes (
  advertisement TEXT NOT NULL,
  occurrence    INTEGER NOT NULL,       -- Unix time, ms; 0: as soon as possible
  computer      TEXT NOT NULL,          -- ID
  PRIMARY KEY (advertisement, occurrence, computer)
) STRICT, WITHOUT ROWID;
