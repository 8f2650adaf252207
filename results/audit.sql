-- audit.sql - the table of `bench audit`: made in a file when the first run is recorded, so that files without an audit have none.

-- What was drawn for a run of the gate, which did not know it (ci/gate_trial).
CREATE TABLE IF NOT EXISTS audit (
    run       INTEGER PRIMARY KEY REFERENCES gate ON DELETE CASCADE,
    kind      TEXT NOT NULL CHECK (kind IN ('tune', 'calibrate', 'equal', 'effect')),
    -- percent that the head was to be slower by; tune: percent of the work that was done again; equal: 0
    effect    REAL NOT NULL CHECK (effect >= 0 AND (effect = 0) = (kind = 'equal')),
    condition TEXT NOT NULL CHECK (condition <> '')  -- what else the machine did: idle, make, hog
) STRICT;
