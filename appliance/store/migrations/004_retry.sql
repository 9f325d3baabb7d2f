ALTER TABLE jobs ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;     -- how often it went on behind a failure
ALTER TABLE jobs ADD COLUMN retry_by TEXT NOT NULL DEFAULT '';      -- who lets it go on when the machine asks next
ALTER TABLE releases ADD COLUMN again INTEGER NOT NULL DEFAULT 0;   -- 1: a retry let the secrets of the step be released once more
