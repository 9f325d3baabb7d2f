-- What the messages of each job say of it, kept with each message: views of all jobs do not read all messages.
CREATE TABLE jobs (
  job           TEXT PRIMARY KEY,
  box           TEXT NOT NULL, -- that reported it first
  computer      TEXT NOT NULL,
  advertisement TEXT NOT NULL,
  sequence      TEXT NOT NULL,
  low           INTEGER NOT NULL, -- lowest number of a message
  started       INTEGER NOT NULL, -- its time, nanoseconds since 1970
  high          INTEGER NOT NULL, -- highest number; what follows is of that message
  seen          INTEGER NOT NULL,
  last          INTEGER NOT NULL,
  step          INTEGER NOT NULL,
  action        TEXT NOT NULL,
  grp           TEXT NOT NULL,
  exit_code     INTEGER NOT NULL,
  ended         INTEGER NOT NULL -- ID of the message that ended it, 0 while it runs
) STRICT;
CREATE INDEX jobs_computer ON jobs (computer, started);
CREATE INDEX jobs_advertisement ON jobs (advertisement, started);
CREATE INDEX jobs_running ON jobs (seen) WHERE ended = 0;
CREATE INDEX jobs_ended ON jobs (seen);

INSERT INTO jobs
  SELECT g.job, f.box, l.computer, l.advertisement, coalesce(l.document ->> 'sequence', ''),
    g.low, coalesce(CAST(round(unixepoch(f.document ->> 'time', 'subsec') * 1000) AS INTEGER) * 1000000, 0), g.high, coalesce(CAST(round(unixepoch(l.document ->> 'time', 'subsec') * 1000) AS INTEGER) * 1000000, 0), l.message_id,
    coalesce(l.document ->> 'step', 0), coalesce(l.document ->> 'action', ''), coalesce(l.document ->> 'group', ''), coalesce(l.document ->> 'exitCode', 0),
    iif(l.message_id IN (11141, 11143), l.message_id, 0)
  FROM (SELECT job, min(number) AS low, max(number) AS high FROM messages GROUP BY job) g
  JOIN messages f ON f.job = g.job AND f.number = g.low
  JOIN messages l ON l.job = g.job AND l.number = g.high;
