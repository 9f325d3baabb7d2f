-- The newest job of each computer under an advertisement is read from the index alone: the homepage counts machines,
-- and does not read every job. It also serves who asks for the jobs of an advertisement, as the index did that it replaces.
DROP INDEX jobs_advertisement;
CREATE INDEX jobs_latest ON jobs (advertisement, computer, started, ended, seen);
