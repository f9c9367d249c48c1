-- What a program may ask with and start, where its token names that: JSON as `Bounds` has it. Tokens from before may ask
-- with everything.
ALTER TABLE credentials ADD COLUMN bounds TEXT CONSTRAINT credentials_bounds CHECK (bounds IS NULL OR kind = 'TOKEN');
