-- Pictures and files that questions show, by the SHA-256 that the question holds of them: each once, for as long as a
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
