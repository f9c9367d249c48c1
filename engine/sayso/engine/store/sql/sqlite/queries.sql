-- What only SQLite is asked, and statements that it needs in words of its own.

-- name: tables
SELECT name FROM sqlite_schema WHERE type = 'table';
