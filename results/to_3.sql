-- to_3.sql - brings a file of version 2 to version 3: the tables of the gate.  They are described in schema.sql.

CREATE TABLE gate (
    run          INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
    base_build   INTEGER NOT NULL REFERENCES build,
    head_build   INTEGER NOT NULL REFERENCES build,
    base_path    TEXT NOT NULL,
    head_path    TEXT NOT NULL,
    base_sha256  TEXT NOT NULL CHECK (length(base_sha256) = 64),
    head_sha256  TEXT NOT NULL CHECK (length(head_sha256) = 64),
    rule_version INTEGER NOT NULL,
    rule         TEXT NOT NULL CHECK (json_valid(rule)),
    outcome      TEXT CHECK (outcome IN ('pass', 'regressed', 'inconclusive', 'invalid')),
    reason       TEXT NOT NULL
) STRICT;
CREATE TABLE unit (
    id         INTEGER PRIMARY KEY,
    cell       INTEGER NOT NULL REFERENCES cell ON DELETE CASCADE,
    phase      TEXT NOT NULL CHECK (phase IN ('first', 'confirm')),
    number     INTEGER NOT NULL CHECK (number >= 0),
    arm        TEXT NOT NULL CHECK (arm IN ('base', 'head', 'null')),
    place      INTEGER NOT NULL CHECK (place >= 0),
    pad        INTEGER NOT NULL CHECK (pad >= 0),
    state      TEXT NOT NULL CHECK (state IN ('ok', 'crashed', 'timeout', 'memory', 'failed', 'protocol')),
    reason     TEXT NOT NULL,
    peak_bytes INTEGER CHECK (peak_bytes >= 0),
    UNIQUE (cell, phase, number, arm),
    CHECK ((state = 'ok') = (reason = ''))
) STRICT;
CREATE TABLE sample (
    unit         INTEGER NOT NULL REFERENCES unit ON DELETE CASCADE,
    round        INTEGER NOT NULL CHECK (round >= 0),
    kind         TEXT NOT NULL CHECK (kind IN ('prefill', 'decode')),
    place        INTEGER NOT NULL CHECK (place >= 0),
    ns           INTEGER NOT NULL CHECK (ns >= 0),
    tokens       INTEGER NOT NULL CHECK (tokens >= 0),
    token_ns     BLOB CHECK (length(token_ns) = 8 * tokens),
    cpu_ns       INTEGER CHECK (cpu_ns >= 0),
    run_delay_ns INTEGER CHECK (run_delay_ns >= 0),
    nivcsw       INTEGER CHECK (nivcsw >= 0),
    instructions INTEGER CHECK (instructions >= 0),
    PRIMARY KEY (unit, round, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE fact (
    cell  INTEGER NOT NULL REFERENCES cell ON DELETE CASCADE,
    arm   TEXT NOT NULL CHECK (arm IN ('base', 'head', 'null')),
    name  TEXT NOT NULL,
    unit  TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (cell, arm, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE verdict (
    cell             INTEGER NOT NULL REFERENCES cell ON DELETE CASCADE,
    metric           TEXT NOT NULL,
    gates            INTEGER NOT NULL CHECK (gates IN (0, 1)),
    outcome          TEXT NOT NULL CHECK (outcome IN ('pass', 'regressed', 'inconclusive', 'invalid', 'absent')),
    reason           TEXT NOT NULL,
    tolerance        REAL,
    base             REAL,
    head             REAL,
    units            INTEGER NOT NULL CHECK (units >= 0),
    estimate         REAL,
    low              REAL,
    high             REAL,
    coverage         REAL,
    lower            REAL,
    upper            REAL,
    p                REAL,
    p_looks          REAL,
    mde              REAL,
    null_estimate    REAL,
    null_p           REAL,
    disturbed        REAL,
    confirm_units    INTEGER,
    confirm_estimate REAL,
    confirm_lower    REAL,
    PRIMARY KEY (cell, metric)
) STRICT, WITHOUT ROWID;
