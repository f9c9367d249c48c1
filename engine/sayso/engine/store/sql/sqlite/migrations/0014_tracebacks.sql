-- How a visit came to its latest error, for operators: as Python prints it, of a bounded length.
ALTER TABLE visits ADD COLUMN traceback TEXT;
