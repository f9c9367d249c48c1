-- What questions show beyond their text, and who has opened all of it.

-- Pictures and files, by the SHA-256 that the question holds of them: each once, for as long as a
-- request shows it.

CREATE TABLE files (
    sha256  TEXT PRIMARY KEY,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE request_files (
    request_key INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    sha256      TEXT NOT NULL REFERENCES files,
    CONSTRAINT request_files_once PRIMARY KEY (request_key, sha256)
) STRICT, WITHOUT ROWID;

CREATE INDEX request_files_by_hash ON request_files (sha256);

CREATE TRIGGER request_files_deleted AFTER DELETE ON request_files
WHEN NOT EXISTS (SELECT 1 FROM request_files WHERE sha256 = OLD.sha256)
BEGIN
    DELETE FROM files WHERE sha256 = OLD.sha256;
END;

-- Who has opened the whole of a request that is to be read before it is approved, in which revision.
CREATE TABLE readings (
    request_key INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    revision    INTEGER NOT NULL,
    account     TEXT NOT NULL,
    CONSTRAINT readings_once PRIMARY KEY (request_key, revision, account)
) STRICT, WITHOUT ROWID;
