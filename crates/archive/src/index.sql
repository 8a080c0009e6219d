-- The index and the queue of an archive: one SQLite file, all of it rebuilt from the object store by `sohoa fsck --rebuild`.
-- A change here is a new number in `PRAGMA user_version` and a step from the number before (database.rs).

-- One row a record: its latest revision.
CREATE TABLE records (
  row             INTEGER PRIMARY KEY,      -- follows from the record (index.rs): sorts by time of arrival, in a rebuilt index too
  record          TEXT NOT NULL UNIQUE,     -- UUID v7: sorts by time of arrival
  revision        INTEGER NOT NULL,
  manifest_sha256 TEXT NOT NULL,
  state           TEXT NOT NULL,
  reasons         TEXT NOT NULL,            -- codes with a space between them
  dossier_code    TEXT,
  folder          TEXT NOT NULL,
  ordinal         INTEGER,
  unit            TEXT,
  type_folded     TEXT,                     -- the kind of paper as it is filtered
  source_name     TEXT NOT NULL,
  source_sha256   TEXT NOT NULL,            -- the same bytes are one record, or one for each document in them
  source_size     INTEGER NOT NULL,
  media_type      TEXT NOT NULL,
  text_sha256     TEXT,                     -- the text object that was indexed
  stored_bytes    INTEGER NOT NULL,
  pages_text      INTEGER NOT NULL,
  pages_blank     INTEGER NOT NULL,
  pages_separator INTEGER NOT NULL,
  pages_failed    INTEGER NOT NULL,
  signed          INTEGER NOT NULL,
  archived        INTEGER NOT NULL,
  arrived_at      TEXT NOT NULL,            -- RFC 3339 at +07:00
  sealed_at       TEXT NOT NULL,
  key_id          TEXT NOT NULL,
  looks           TEXT NOT NULL,            -- what the pages with words look like in their order; a space between them
  result_code     TEXT                      -- once it is given
) STRICT;
CREATE INDEX records_state ON records (state, record);
CREATE INDEX records_unit ON records (unit, record);
CREATE INDEX records_source ON records (source_sha256);
CREATE INDEX records_dossier ON records (dossier_code);

CREATE TABLE fields (
  row        INTEGER NOT NULL REFERENCES records (row) ON DELETE CASCADE,
  place      INTEGER NOT NULL,              -- from 0, in the manifest's order
  name       TEXT NOT NULL,
  value      TEXT,
  page       INTEGER NOT NULL,
  confidence INTEGER NOT NULL,
  doubt      TEXT,
  PRIMARY KEY (row, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX fields_value ON fields (name, value);

-- The pieces of each record's first look, by which those that look alike are found.
CREATE TABLE look_pieces (
  piece INTEGER NOT NULL,                   -- its place, 0 to 15, and its 16 bits
  row   INTEGER NOT NULL,
  PRIMARY KEY (piece, row)
) STRICT, WITHOUT ROWID;

-- What a hit is shown with. Apart from `records`, so that lists never read it.
CREATE TABLE texts (row INTEGER PRIMARY KEY REFERENCES records (row) ON DELETE CASCADE, body TEXT NOT NULL) STRICT;

-- The words, see words.rs: `heads` has what is known of a document beside its pages, `words` that and the pages. Two tables, since a word
-- that all pages have costs its whole list even when it is asked for in the fields alone. Each has the words in both forms of query.rs; `marks`
-- has the beginnings of all fragments of codes, and what is filtered by. The forms are made by us: SQLite's own folding leaves đ alone and
-- knows nothing of hoà and hòa.
CREATE VIRTUAL TABLE heads USING fts5 (
  folded, exact, marks, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0'
);
CREATE VIRTUAL TABLE words USING fts5 (
  folded, exact, marks, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0'
);

-- Records that are no more: what remains of each is its tombstone in the store.
CREATE TABLE destroyed (
  record   TEXT PRIMARY KEY,
  revision INTEGER NOT NULL,                -- whose place the tombstone has
  at       TEXT NOT NULL                    -- RFC 3339 at +07:00
) STRICT, WITHOUT ROWID;

-- Work that is not done. A job that is done is no row here but one in `records`.
CREATE TABLE jobs (
  record        TEXT PRIMARY KEY,
  source_sha256 TEXT NOT NULL,
  priority      INTEGER NOT NULL,           -- higher first
  enqueued_at   INTEGER NOT NULL,           -- all times here: milliseconds since 1970 UTC
  state         TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'dead')),
  attempt       INTEGER NOT NULL DEFAULT 0, -- leases given out so far
  not_before    INTEGER NOT NULL DEFAULT 0,
  owner         TEXT,
  lease_until   INTEGER,
  last_error    TEXT
) STRICT;
CREATE INDEX jobs_order ON jobs (state, priority DESC, enqueued_at, record);
CREATE INDEX jobs_age ON jobs (state, enqueued_at, record);
CREATE INDEX jobs_lease ON jobs (lease_until) WHERE state = 'leased';

-- Sources whose arrival is being noted: what a program that was killed left half-way is taken up by the next one.
CREATE TABLE arriving (
  source_sha256 TEXT PRIMARY KEY,
  priority      INTEGER NOT NULL,
  at            INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Results that exist on paper: the denominators. One row a result, from the registers that were imported.
CREATE TABLE register (
  register     TEXT NOT NULL,               -- SHA-256 of the file it came in
  line         INTEGER NOT NULL,
  unit         TEXT NOT NULL,
  procedure    TEXT,
  dossier_code TEXT,
  number       TEXT,
  date         TEXT,
  valid_until  TEXT,
  imported_at  TEXT NOT NULL,
  notation     TEXT,                        -- as it is compared; with year and month it finds the rows that could be a paper
  year         INTEGER,
  month        INTEGER,
  subject      TEXT,
  owner        TEXT,
  organ        TEXT,
  signer       TEXT,
  in_doubt     INTEGER NOT NULL,
  PRIMARY KEY (register, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX register_time ON register (year, month, notation);

-- What a station called a push (Idempotency-Key), so that a push that is repeated after a lost answer is known for the same. Lost with
-- the index: then the bytes alone say that they were met.
CREATE TABLE pushes (
  station TEXT NOT NULL,
  key     TEXT NOT NULL,
  sha256  TEXT NOT NULL,                    -- of the bytes that came first under this key
  at      INTEGER NOT NULL,
  PRIMARY KEY (station, key)
) STRICT, WITHOUT ROWID;

-- The leaves of the log, as far as they were read from it (log/leaves.rs).
CREATE TABLE log_leaves (
  idx      INTEGER PRIMARY KEY,             -- in the log
  hash     BLOB NOT NULL,
  record   TEXT,                            -- of leaves that are about a revision
  revision INTEGER
);
CREATE INDEX log_leaves_hash ON log_leaves (hash);
CREATE INDEX log_leaves_record ON log_leaves (record, revision) WHERE record IS NOT NULL;

-- Revisions of `records` that are not among them: few, so that nobody looks through all records for them.
CREATE TABLE unlogged (
  record   TEXT NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (record, revision)
) STRICT, WITHOUT ROWID;
