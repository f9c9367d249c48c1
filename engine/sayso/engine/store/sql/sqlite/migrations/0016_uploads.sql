-- Pictures and files that programs have sent before they ask about them: whose, and since when. What no question shows
-- within a day goes.
CREATE TABLE uploads (
    sha256      TEXT NOT NULL,
    uploaded_by TEXT NOT NULL,
    content     BLOB NOT NULL,
    at          INTEGER NOT NULL,
    CONSTRAINT uploads_once PRIMARY KEY (sha256, uploaded_by)
) STRICT;

CREATE INDEX uploads_by_age ON uploads (at);
CREATE INDEX uploads_by_sender ON uploads (uploaded_by);
