-- The same account written in other forms, as its platform confirms them: `slack:T1:U2` is a form of `slack:E1:U2`.
CREATE TABLE account_forms (
    form    TEXT NOT NULL,
    account TEXT NOT NULL,
    CONSTRAINT account_forms_form PRIMARY KEY (form)
) STRICT, WITHOUT ROWID;

CREATE INDEX account_forms_of_account ON account_forms (account);

-- Whether a row follows from another form's: it is made anew whenever those change.
ALTER TABLE accounts ADD COLUMN is_form INTEGER NOT NULL DEFAULT 0;
