ALTER TABLE jobs ADD COLUMN wipes INTEGER NOT NULL DEFAULT 0;   -- 1: its sequence may erase a disk
ALTER TABLE jobs ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;  -- first write to a disk, Unix time, ms
ALTER TABLE jobs ADD COLUMN cleared INTEGER NOT NULL DEFAULT 0; -- 1: it does not count as a run any more
UPDATE jobs SET erased = opened; -- nobody noted it: each may have written

CREATE TABLE wants (
  advertisement TEXT NOT NULL,
  machine       TEXT NOT NULL,
  time          INTEGER NOT NULL,
  PRIMARY KEY (advertisement, machine)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
  id   TEXT PRIMARY KEY,
  time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  time   INTEGER NOT NULL,
  who    TEXT NOT NULL,
  what   TEXT NOT NULL,
  object TEXT NOT NULL,
  text   TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
