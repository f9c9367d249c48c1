-- What a row of the trail left behind in the other tables, as digests. Rows from before have none, and are chained
-- without it.
ALTER TABLE audit ADD COLUMN facts TEXT;
