-- quality.sql - what gates need that judge quality, two models or stored runs: what brings a file of version 3 to version 4.

-- The table of gate.sql, made anew: a gate of stored runs has no programs, and one of two models has two of them.
CREATE TABLE gate_4 (
    run          INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
    base_build   INTEGER NOT NULL REFERENCES build,
    head_build   INTEGER NOT NULL REFERENCES build,
    base_path    TEXT,  -- of the programs; NULL: stored runs were held against each other
    head_path    TEXT,
    base_sha256  TEXT CHECK (length(base_sha256) = 64),  -- of the programs' files
    head_sha256  TEXT CHECK (length(head_sha256) = 64),
    base_model   INTEGER REFERENCES model,  -- of a gate of two models; NULL: both arms run those of its cells
    head_model   INTEGER REFERENCES model,
    base_run     INTEGER REFERENCES run ON DELETE SET NULL,  -- where the scores of each arm are: a run that a sweep stored, or one
    head_run     INTEGER REFERENCES run ON DELETE SET NULL,  -- that the gate began after its own; NULL: nothing had to be scored
    rule_version INTEGER NOT NULL,  -- GATE_RULE_VERSION of bench/gate_rule.h
    rule         TEXT NOT NULL CHECK (json_valid(rule)),  -- its numbers: alpha, beta, confirm, q, looks
    outcome      TEXT CHECK (outcome IN ('pass', 'regressed', 'inconclusive', 'invalid')),  -- NULL while it runs, or was killed
    reason       TEXT NOT NULL,     -- what is wrong with the whole of it; empty when nothing is
    CHECK ((base_path IS NULL) = (base_sha256 IS NULL) AND (head_path IS NULL) = (head_sha256 IS NULL))
) STRICT;
INSERT INTO gate_4 (run, base_build, head_build, base_path, head_path, base_sha256, head_sha256, rule_version, rule, outcome, reason)
SELECT run, base_build, head_build, base_path, head_path, base_sha256, head_sha256, rule_version, rule, outcome, reason FROM gate;
DROP TABLE gate;
ALTER TABLE gate_4 RENAME TO gate;

ALTER TABLE sample ADD COLUMN energy_uj INTEGER CHECK (energy_uj >= 0);  -- of all packages, whoever used it; NULL: not measured

-- What the rule made of one score of one variant.  All numbers are in the score's own unit.
CREATE TABLE quality (
    cell       INTEGER NOT NULL REFERENCES cell ON DELETE CASCADE,  -- one of the variant's
    task       TEXT NOT NULL,   -- its name, or that of the text
    scorer     TEXT NOT NULL,
    gates      INTEGER NOT NULL CHECK (gates IN (0, 1)),
    outcome    TEXT NOT NULL CHECK (outcome IN ('pass', 'regressed', 'inconclusive', 'invalid', 'absent')),
    reason     TEXT NOT NULL,   -- empty for pass and regressed
    test       TEXT NOT NULL CHECK (test IN ('', 'logits', 'items', 'McNemar', 'bootstrap')),  -- logits: both have the same, so
                                -- nothing was scored; items: each has the same sums on both sides; empty: it was not judged
    margin     REAL,            -- what head may be worse by
    base       REAL,
    head       REAL,
    items      INTEGER NOT NULL CHECK (items >= 0),
    difference REAL,            -- head - base
    low        REAL,            -- its interval at 95%
    high       REAL,
    lower      REAL,            -- how much worse head is, at alpha and at beta: the bounds that decided
    upper      REAL,
    p          REAL,            -- one-sided: head is not worse
    mde        REAL,            -- what is found in 8 of 10 cases
    PRIMARY KEY (cell, task, scorer)
) STRICT, WITHOUT ROWID;
