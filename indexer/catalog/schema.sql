-- SPDX-License-Identifier: Apache-2.0
-- The catalog of a state directory, version 5 (PRAGMA user_version). Small facts that must change
-- together; what is proportional to an image's size lives in the image's own files
-- (indexer/store/STORE_FORMAT.md). WAL, one writer.
--
-- synchronous=FULL: a name that `weft import` printed must survive a power cut that follows, and a
-- removed image must not come back with its blocks punched out. Commits are rare (imports,
-- removals, settings), so the sync costs nobody anything.

-- This node. One row.
CREATE TABLE node (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id  BLOB NOT NULL CHECK (length(id) = 16)   -- random, made with the state directory
) STRICT;

-- Images that have files under images/<id>. A row is written after the files are durable, and
-- deleted before they are: files without a row are debris.
CREATE TABLE image (
  id       BLOB PRIMARY KEY CHECK (length(id) = 32),
  size     INTEGER NOT NULL CHECK (size > 0), -- bytes
  root     BLOB NOT NULL CHECK (length(root) = 32),
  in_place INTEGER NOT NULL CHECK (in_place IN (0, 1)),
  source   TEXT NOT NULL,                     -- file it was imported from; '' = it came from peers
  -- 0 = an image. 1 = removed, but other images borrow blocks: no names, nothing but those blocks
  -- stays, and what else its files hold is given back again whenever the store opens.
  lender   INTEGER NOT NULL DEFAULT 0 CHECK (lender IN (0, 1))
) STRICT, WITHOUT ROWID;

-- An image (lender = 0) without a name lost its last one while somebody held it: it stays until it is
-- collected.
CREATE TABLE name (
  name  TEXT PRIMARY KEY,
  image BLOB NOT NULL REFERENCES image (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX name_of_image ON name (image);

-- `borrower` may have blocks in the pack of `lender`; which ones, its borrow file says. Written
-- before the first record that names the lender, so that a lender never loses blocks unasked.
CREATE TABLE borrow (
  borrower BLOB NOT NULL REFERENCES image (id),
  lender   BLOB NOT NULL REFERENCES image (id),
  PRIMARY KEY (borrower, lender)
) STRICT, WITHOUT ROWID;
CREATE INDEX borrow_of_lender ON borrow (lender);

-- Small settings of other modules (peers, mounts): JSON by (kind, key).
CREATE TABLE setting (
  kind TEXT NOT NULL,
  key  TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- Signatures of images at peers, encoded (indexer/similarity/signature.h). An image's own signature
-- is the head of its index file, so none is here. `used` grows with every use: the lowest goes
-- first when there are too many. `bytes` = length(data), so that the sum reads no data.
CREATE TABLE signature (
  image BLOB PRIMARY KEY CHECK (length(image) = 32),
  used  INTEGER NOT NULL,
  bytes INTEGER NOT NULL CHECK (bytes = length(data)),
  data  BLOB NOT NULL
) STRICT;
CREATE INDEX signature_by_use ON signature (used, bytes, image);

-- What was measured of the links to peers, by node (fetcher/link): rates to this node (in) and from it
-- (out) in bytes a second with their deviation and effective samples (0 = not known), seconds of
-- round trip (-1 = not known), and of loss of service the seconds up and lost and the number of
-- events, faded. `measured`: when, in seconds since 1970; the reader lets the figures fade by their
-- age. Replaced as a whole, at most once a minute or when a connection ends.
CREATE TABLE link (
  node          BLOB PRIMARY KEY CHECK (length(node) = 16),
  address       TEXT NOT NULL,
  measured      INTEGER NOT NULL,
  in_mean       REAL NOT NULL,
  in_deviation  REAL NOT NULL,
  in_samples    REAL NOT NULL,
  out_mean      REAL NOT NULL,
  out_deviation REAL NOT NULL,
  out_samples   REAL NOT NULL,
  round_trip    REAL NOT NULL,
  up            REAL NOT NULL,
  lost          REAL NOT NULL,
  events        REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Boot profiles, encoded (fetcher/profile/PROFILE_FORMAT.md): a row for each of the last boots of an
-- image, oldest first by `id`. No reference to `image`: a profile outlives the image it was recorded
-- for, because it predicts the boot of relatives. `origin`: 0 = recorded at a mount here, 1 = from a
-- peer, 2 = from a file. `made`: when, in seconds since 1970. `used` grows with every use of the
-- image's profile: the rows of the lowest go first when there are too many. `bytes` = length(data),
-- so that the sum reads no data.
CREATE TABLE profile (
  id     INTEGER PRIMARY KEY,
  image  BLOB NOT NULL CHECK (length(image) = 32),
  origin INTEGER NOT NULL CHECK (origin BETWEEN 0 AND 2),
  made   INTEGER NOT NULL,
  used   INTEGER NOT NULL,
  bytes  INTEGER NOT NULL CHECK (bytes = length(data)),
  data   BLOB NOT NULL
) STRICT;
CREATE INDEX profile_of_image ON profile (image, used);
CREATE INDEX profile_by_use ON profile (used, bytes);

-- Writable disks, with files under disks/<name>. They share their names with images: none is in both
-- tables. `base` is an image (lender = 0) that stays as long as the disk, also without a name.
-- `created`: seconds since 1970. Written after the files are durable, deleted before they are.
CREATE TABLE disk (
  name    TEXT PRIMARY KEY,
  base    BLOB NOT NULL REFERENCES image (id),
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX disk_of_image ON disk (base);
