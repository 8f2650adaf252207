-- anchor.sql - the table of `bench history`: of a new file, and what brings one of version 3 to version 4.

-- The build that the history is held against: the newest row counts.  It moves by `bench history --anchor` only, with a reason.
-- Every gate whose base is this build (the same version, commit, compiler and flags) gives a point of the history.
CREATE TABLE anchor (
    id     INTEGER PRIMARY KEY,
    build  INTEGER NOT NULL REFERENCES build,
    path   TEXT NOT NULL,                        -- of the program when it was made the anchor
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    reason TEXT NOT NULL CHECK (reason <> ''),
    set_ns INTEGER NOT NULL                      -- wall time
) STRICT;
