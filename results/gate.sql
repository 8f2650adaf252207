-- gate.sql - the tables of the gate: of a new file, and what brings one of version 2 to version 3.

-- One `bench gate`: two builds against each other (quality.sql makes this table anew, for two models).  Its cells,
-- machine, command and seed are those of its run, whose build is the program that ran the gate.
CREATE TABLE gate (
    run          INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
    base_build   INTEGER NOT NULL REFERENCES build,
    head_build   INTEGER NOT NULL REFERENCES build,
    base_path    TEXT NOT NULL,
    head_path    TEXT NOT NULL,
    base_sha256  TEXT NOT NULL CHECK (length(base_sha256) = 64),  -- of the program's file
    head_sha256  TEXT NOT NULL CHECK (length(head_sha256) = 64),
    rule_version INTEGER NOT NULL,  -- GATE_RULE_VERSION of bench/gate_rule.h
    rule         TEXT NOT NULL CHECK (json_valid(rule)),  -- its numbers: alpha, beta, confirm, q, looks
    outcome      TEXT CHECK (outcome IN ('pass', 'regressed', 'inconclusive', 'invalid')),  -- NULL while it runs, or was killed
    reason       TEXT NOT NULL      -- what is wrong with the whole of it; empty when nothing is
) STRICT;

-- One process of a unit: an arm of a pair, measured alternately with the others of its unit.
CREATE TABLE unit (
    id         INTEGER PRIMARY KEY,
    cell       INTEGER NOT NULL REFERENCES cell ON DELETE CASCADE,
    phase      TEXT NOT NULL CHECK (phase IN ('first', 'confirm')),
    number     INTEGER NOT NULL CHECK (number >= 0),
    arm        TEXT NOT NULL CHECK (arm IN ('base', 'head', 'null')),  -- null: base again, under another path
    place      INTEGER NOT NULL CHECK (place >= 0),  -- in which order the processes were started
    pad        INTEGER NOT NULL CHECK (pad >= 0),    -- bytes that its environment was made longer by
    state      TEXT NOT NULL CHECK (state IN ('ok', 'crashed', 'timeout', 'memory', 'failed', 'protocol')),
    reason     TEXT NOT NULL,  -- why it is not ok
    peak_bytes INTEGER CHECK (peak_bytes >= 0),      -- memory.peak; NULL: not measured
    UNIQUE (cell, phase, number, arm),
    CHECK ((state = 'ok') = (reason = ''))
) STRICT;

-- One measurement of such a process.
CREATE TABLE sample (
    unit         INTEGER NOT NULL REFERENCES unit ON DELETE CASCADE,
    round        INTEGER NOT NULL CHECK (round >= 0),
    kind         TEXT NOT NULL CHECK (kind IN ('prefill', 'decode')),
    place        INTEGER NOT NULL CHECK (place >= 0),  -- in which order the arms were measured in this round
    ns           INTEGER NOT NULL CHECK (ns >= 0),
    tokens       INTEGER NOT NULL CHECK (tokens >= 0),
    token_ns     BLOB CHECK (length(token_ns) = 8 * tokens),  -- as in stretch
    cpu_ns       INTEGER CHECK (cpu_ns >= 0),        -- of all threads; NULL here and below: not measured
    run_delay_ns INTEGER CHECK (run_delay_ns >= 0),  -- runnable and without a CPU
    nivcsw       INTEGER CHECK (nivcsw >= 0),        -- involuntary context switches
    instructions INTEGER CHECK (instructions >= 0),
    PRIMARY KEY (unit, round, kind)
) STRICT, WITHOUT ROWID;

-- What a program says of a cell that must be the same each time: bytes, a hash of the logits.
CREATE TABLE fact (
    cell  INTEGER NOT NULL REFERENCES cell ON DELETE CASCADE,
    arm   TEXT NOT NULL CHECK (arm IN ('base', 'head', 'null')),
    name  TEXT NOT NULL,
    unit  TEXT NOT NULL,  -- B; empty for a hash
    value INTEGER NOT NULL,
    PRIMARY KEY (cell, arm, name)
) STRICT, WITHOUT ROWID;

-- What the rule made of the samples of one cell and metric.  It is stored, though it is derived, because a rule changes.
-- Ratios are natural logarithms of head / base: 0.05 is 5.1% more.
CREATE TABLE verdict (
    cell             INTEGER NOT NULL REFERENCES cell ON DELETE CASCADE,
    metric           TEXT NOT NULL,
    gates            INTEGER NOT NULL CHECK (gates IN (0, 1)),  -- 0: judged and told, decides nothing
    outcome          TEXT NOT NULL CHECK (outcome IN ('pass', 'regressed', 'inconclusive', 'invalid', 'absent')),
    reason           TEXT NOT NULL,  -- empty for pass and regressed
    tolerance        REAL,           -- NULL for an exact metric
    base             REAL,           -- median over units, in the metric's base unit; an exact metric's value
    head             REAL,
    units            INTEGER NOT NULL CHECK (units >= 0),
    estimate         REAL,           -- median of the units' ratios
    low              REAL,           -- its interval at 95% or, with few units, at coverage
    high             REAL,
    coverage         REAL,
    lower            REAL,           -- the bounds that decided; NULL: too few units for one
    upper            REAL,
    p                REAL,           -- signed ranks, one-sided
    p_looks          REAL,           -- over all looks
    mde              REAL,           -- effect found in 8 of 10 cases
    null_estimate    REAL,           -- of the null arm
    null_p           REAL,
    disturbed        REAL,           -- share of rounds in which an arm waited for a CPU
    confirm_units    INTEGER,        -- NULL: there was no confirmation
    confirm_estimate REAL,
    confirm_lower    REAL,
    PRIMARY KEY (cell, metric)
) STRICT, WITHOUT ROWID;
