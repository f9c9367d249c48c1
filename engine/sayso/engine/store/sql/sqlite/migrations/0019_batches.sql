-- Questions of a batch that stand on one card.

-- The first of the questions on the same card; null for one with a card of its own.
ALTER TABLE requests ADD COLUMN first_on_card INTEGER;

CREATE INDEX requests_on_card ON requests (first_on_card) WHERE first_on_card IS NOT NULL;

-- Which of the questions that a run asks was asked under the key, by its name; null where it is the key of the whole run.
ALTER TABLE commands ADD COLUMN request TEXT;
