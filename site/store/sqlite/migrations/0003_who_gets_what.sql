INSERT INTO counters (name, value) VALUES ('change', 1);

ALTER TABLE grants ADD COLUMN used_at TEXT NOT NULL DEFAULT '0001-01-01T00:00:00.000000000Z'; -- as its box reported

CREATE TABLE inventories (
  computer TEXT PRIMARY KEY,
  document BLOB NOT NULL -- inventory.Record
) STRICT;

CREATE TABLE frozen (
  collection TEXT PRIMARY KEY,
  at         TEXT NOT NULL,
  members    BLOB NOT NULL -- JSON, IDs of computers
) STRICT;

CREATE TABLE orders (
  id         TEXT PRIMARY KEY,
  box        TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  document   BLOB NOT NULL -- policy.Order
) STRICT;
CREATE INDEX orders_box ON orders (box);
