-- schema.sql - the tables of a results database, version 5; those of the gate are in gate.sql, quality.sql and anchor.sql.
--
-- This text is compiled into the program (results/store_open.c) and is the documentation of the file that it makes.  Views
-- are in results/views.sql; they are no part of the file, so a new figure needs no migration.
--
-- Rules that hold for every table:
--   * Values are integers in base units: ns, B (bytes), uJ.  Nothing derived is stored: a median is computed when it is asked
--     for, from the raw times.  Only the verdicts of a gate are, for they were acted upon.
--   * NULL means not measured, not known or not applicable, never 0, and what could not be measured has a state and a reason.
--   * Wall times are CLOCK_REALTIME in ns since 1970; durations are from CLOCK_MONOTONIC_RAW.
--   * A row that describes a thing (machine, build, model, variant, task) is there once and shared by the runs.
--
-- To change a table: leave this file as the newest version and add the statements that bring an older file there to the list of
-- migrations in results/store_open.c.  gate.sql and quality.sql are such steps too, and a new file takes them after this one.

PRAGMA application_id = 0x4c4d4265;  -- 'LMBe': this file is ours
PRAGMA user_version = 5;             -- version of these tables

-- A machine as a run found it.  A new kernel or another governor is another row: it is another machine to a benchmark.
CREATE TABLE machine (
    id              INTEGER PRIMARY KEY,
    key             TEXT NOT NULL UNIQUE,  -- SHA-256 of all columns below: the same description gives the same row
    cpu             TEXT,                  -- model name
    arch            TEXT,                  -- x86_64, aarch64
    os              TEXT,                  -- name and version of the distribution
    kernel          TEXT,                  -- release of the kernel
    isa             TEXT,                  -- best instruction set that the kernels can use here
    virt            TEXT,                  -- hypervisor; NULL on bare metal
    governor        TEXT,                  -- cpufreq governor of CPU 0; NULL where there is none
    topology        TEXT,                  -- hwloc's XML; NULL without hwloc
    topology_source TEXT,                  -- version of hwloc, or why there is no topology
    cpus            INTEGER NOT NULL,      -- logical CPUs that the program may use
    cores           INTEGER NOT NULL,      -- physical cores among them
    memory_bytes    INTEGER NOT NULL       -- memory of the machine
) STRICT;

-- A build of this program.
CREATE TABLE build (
    id         INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,  -- SHA-256 of all columns below
    version    TEXT,                  -- release, as --version says it
    git_commit TEXT,                  -- with -dirty when the tree was not clean; NULL outside a git tree
    compiler   TEXT,                  -- name and version
    flags      TEXT                   -- compiler flags
) STRICT;

-- A model file, known by its contents.  Its path is where it was seen last.
CREATE TABLE model (
    id         INTEGER PRIMARY KEY,
    sha256     TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
    path       TEXT NOT NULL,
    name       TEXT,     -- general.name of the GGUF
    arch       TEXT,     -- general.architecture
    file_bytes INTEGER NOT NULL CHECK (file_bytes >= 0),
    parameters INTEGER CHECK (parameters >= 0),               -- weights, counted from the tensors
    metadata   TEXT CHECK (metadata IS NULL OR json_valid(metadata))  -- scalar keys of the GGUF as a JSON object
) STRICT;

-- What quality depends on.  model is NULL for a runtime that reads no file (the null runtime).
CREATE TABLE variant (
    id          INTEGER PRIMARY KEY,
    model       INTEGER REFERENCES model,
    format      TEXT NOT NULL,  -- of the weights: q4_0, or file for a file taken as it is
    kv          TEXT NOT NULL,  -- of the KV cache: f16, or f16:q8_0 for K and V apart
    policy      TEXT NOT NULL,  -- what happens when the context is full: full, window, sinks
    compute     TEXT NOT NULL,  -- how activations and weights are rounded: packed, int8, int8_token, exact
    file_sha256 TEXT CHECK (length(file_sha256) = 64),  -- of the derived file; NULL when none was made
    file_bytes  INTEGER CHECK (file_bytes >= 0),        -- its size; NULL when none was made
    note        TEXT            -- what deviates, such as tensors that kept another format; NULL when nothing does
) STRICT;
CREATE UNIQUE INDEX variant_key ON variant (coalesce(model, 0), format, kv, policy, compute, coalesce(file_sha256, ''));

-- A text or a set of questions that quality is scored on.
CREATE TABLE task (
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),  -- of its content: a changed text is another task
    UNIQUE (name, sha256)
) STRICT;

-- One sweep: a machine, a build, a list of cells, a seed.
CREATE TABLE run (
    id         INTEGER PRIMARY KEY,
    machine    INTEGER NOT NULL REFERENCES machine,
    build      INTEGER NOT NULL REFERENCES build,
    command    TEXT NOT NULL,  -- as typed
    plan_key   TEXT NOT NULL,  -- hash of the matrix and its parameters: what --resume looks for
    seed       TEXT NOT NULL,  -- unsigned 64 bits in decimal, which SQLite's signed integers cannot hold
    trials     INTEGER NOT NULL CHECK (trials > 0),  -- rounds asked for; 1 of a run that only keeps scores for a gate
    state      TEXT NOT NULL CHECK (state IN ('running', 'done', 'interrupted', 'failed')),  -- running: also when killed
    started_ns INTEGER NOT NULL,
    ended_ns   INTEGER,        -- NULL while it is running
    CHECK ((state = 'running') = (ended_ns IS NULL))
) STRICT;
CREATE INDEX run_plan ON run (plan_key);

-- What each probe said when the run began.
CREATE TABLE probe (
    run    INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    name   TEXT NOT NULL,
    state  TEXT NOT NULL CHECK (state IN ('ok', 'absent', 'denied', 'broken', 'suspect', 'off')),
    reason TEXT NOT NULL,  -- why it is not ok
    PRIMARY KEY (run, name),
    CHECK ((state = 'ok') = (reason = ''))
) STRICT, WITHOUT ROWID;

-- One point of the matrix: what speed depends on.  What cannot run is a cell too, with the reason.
CREATE TABLE cell (
    id            INTEGER PRIMARY KEY,
    run           INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    variant       INTEGER NOT NULL REFERENCES variant,
    runtime       TEXT NOT NULL,     -- reference, null
    isa           TEXT NOT NULL,     -- instruction set of the kernels, or auto
    compute       TEXT NOT NULL,     -- as in variant
    context       INTEGER NOT NULL CHECK (context >= 0),  -- tokens in the KV cache when decoding starts
    threads       INTEGER NOT NULL CHECK (threads > 0),
    decode        INTEGER NOT NULL CHECK (decode >= 0),   -- tokens decoded
    batch         INTEGER NOT NULL CHECK (batch > 0),     -- most tokens evaluated at once in prefill
    weights_bytes INTEGER CHECK (weights_bytes >= 0),     -- the plan: what the cell was expected to take; NULL: not known
    kv_bytes      INTEGER CHECK (kv_bytes >= 0),
    arena_bytes   INTEGER CHECK (arena_bytes >= 0),       -- activations and scratch
    tables_bytes  INTEGER CHECK (tables_bytes >= 0),      -- vocabulary, rope tables and the like
    infeasible    TEXT CHECK (infeasible <> ''),          -- why it cannot run; NULL when it can
    UNIQUE (run, variant, runtime, isa, compute, context, threads, decode, batch)
) STRICT;

-- One fresh process that measured one cell.
CREATE TABLE trial (
    id     INTEGER PRIMARY KEY,
    cell   INTEGER NOT NULL REFERENCES cell ON DELETE CASCADE,
    round  INTEGER NOT NULL CHECK (round >= 0),
    state  TEXT NOT NULL CHECK (state IN ('ok', 'crashed', 'timeout', 'memory', 'failed', 'protocol')),
    reason TEXT NOT NULL,  -- why it is not ok
    UNIQUE (cell, round),
    CHECK ((state = 'ok') = (reason = ''))
) STRICT;

-- A timed piece of a trial.
CREATE TABLE stretch (
    id            INTEGER PRIMARY KEY,
    trial         INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE,
    kind          TEXT NOT NULL CHECK (kind IN ('load', 'prefill', 'decode', 'trial')),  -- trial: the whole process
    begin_real_ns INTEGER NOT NULL,  -- wall time at its start, to find it in the log of an external meter
    begin_ns      INTEGER NOT NULL,  -- the monotonic clock at its start: only differences mean something
    ns            INTEGER NOT NULL CHECK (ns >= 0),
    tokens        INTEGER NOT NULL CHECK (tokens >= 0),  -- evaluated in it
    token_ns      BLOB CHECK (length(token_ns) = 8 * tokens),  -- time of each token, int64 little-endian ns; NULL: not taken
    UNIQUE (trial, kind)
) STRICT;

-- One probe's value over one stretch.  Long form: a new probe needs no migration.
CREATE TABLE reading (
    stretch INTEGER NOT NULL REFERENCES stretch ON DELETE CASCADE,
    name    TEXT NOT NULL,  -- memory.peak, energy.package-0
    unit    TEXT NOT NULL,  -- ns, B, uJ; empty for a count
    state   TEXT NOT NULL CHECK (state IN ('ok', 'absent', 'denied', 'broken', 'suspect', 'off')),
    value   INTEGER,
    reason  TEXT NOT NULL,  -- why it is not ok
    PRIMARY KEY (stretch, name),
    CHECK ((value IS NOT NULL) = (state IN ('ok', 'suspect'))),
    CHECK ((state = 'ok') = (reason = ''))
) STRICT, WITHOUT ROWID;

-- One scorer's value for one variant on one task.
CREATE TABLE score (
    id      INTEGER PRIMARY KEY,
    run     INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    variant INTEGER NOT NULL REFERENCES variant,
    task    INTEGER NOT NULL REFERENCES task,
    scorer  TEXT NOT NULL,  -- perplexity
    state   TEXT NOT NULL CHECK (state IN ('ok', 'crashed', 'timeout', 'memory', 'failed', 'protocol')),
    value   REAL,
    reason  TEXT NOT NULL,  -- why it is not ok
    token_values BLOB CHECK (length(token_values) % 8 = 0),  -- its quantity of each scored token, float64 little-endian, in
                                                             -- the order of the text; NULL: the scorer keeps none
    UNIQUE (run, variant, task, scorer),
    CHECK ((value IS NOT NULL) = (state = 'ok')),
    CHECK ((state = 'ok') = (reason = ''))
) STRICT;

-- The per-item sums that a score came from, so that it can be recomputed and two variants compared item by item.
CREATE TABLE score_item (
    score INTEGER NOT NULL REFERENCES score ON DELETE CASCADE,
    item  INTEGER NOT NULL,  -- 0 .. in the order of the task
    sums  BLOB NOT NULL CHECK (length(sums) % 8 = 0),  -- float64 little-endian, what the scorer keeps: for perplexity nats, tokens
    PRIMARY KEY (score, item)
) STRICT, WITHOUT ROWID;

-- What `bench kernels` measured.  The rows of one measurement share machine, build and measured_ns.
CREATE TABLE kernel (
    id           INTEGER PRIMARY KEY,
    machine      INTEGER NOT NULL REFERENCES machine,
    build        INTEGER NOT NULL REFERENCES build,
    measured_ns  INTEGER NOT NULL,  -- wall time
    name         TEXT NOT NULL,     -- q4_0_matvec_q8_avx2; read_bandwidth, peak_int8, peak_f32: the machine itself
    threads      INTEGER NOT NULL CHECK (threads > 0),
    k            INTEGER,  -- shape: length of a row, rows, columns; NULL where it has none
    n_rows       INTEGER,
    n_columns    INTEGER,
    ns           REAL NOT NULL CHECK (ns > 0),  -- median of one call
    bytes_per_s  REAL,     -- what it reads; NULL where that means nothing
    ops_per_s    REAL,     -- what it computes
    of_bandwidth REAL,     -- fraction of the machine's, measured in the same call; NULL where it does not apply
    of_peak      REAL
) STRICT;
CREATE INDEX kernel_measurement ON kernel (machine, build, measured_ns);
