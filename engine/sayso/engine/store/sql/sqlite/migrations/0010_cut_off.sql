-- How many starts in a row found the run in the middle of a visit during which its process had died. It is set back when
-- the visit ends or parks; -1 where the visit was set aside in order, so that the next start counts nothing.
ALTER TABLE runs ADD COLUMN cut_off INTEGER NOT NULL DEFAULT 0;
