-- views.sql - every number that is shown, computed from the raw rows.
--
-- Each connection makes these views for itself when it opens a database (results/store_open.c), so they always fit the program
-- and a new one needs no migration.  They call functions that results/functions.c adds to the connection:
--   blob_median_ns(b), blob_mean_ns(b), blob_quantile_ns(b, p), blob_at_ns(b, i)  of the times in stretch.token_ns
--   blob_real(b, i), blob_quantile_real(b, p)  of the float64 in score_item.sums and score.token_values
--   median(x), median_low(x), median_high(x), median_coverage(x)  over trials, one value per process: base/stats.h, level 0.95;
--     with a single value there is no interval, and low and high are NULL
--
-- A figure is a view named fig_NAME whose first column is run, and a script plots/NAME.gp that draws the other columns.
-- `bench plot` finds the figures by these names.  A view without rows for a run is a figure that has nothing to show.

-- Every cell with its axes by name, its plan, and the words that set it apart.
--   on_cpus   how many CPUs its threads share; NULL: each has one.  Of a gate between stored runs those of the machine that measured
CREATE TEMP VIEW v_axes AS
SELECT c.run, c.id AS cell, c.variant, v.model AS model_id,
       replace(m.path, rtrim(m.path, replace(m.path, '/', '')), '') AS model,  -- the path less its folders
       v.format, v.kv, v.policy, c.compute, c.isa, c.runtime, c.context, c.threads, c.decode, c.batch,
       c.weights_bytes, c.kv_bytes, c.arena_bytes, c.tables_bytes,
       c.weights_bytes + c.kv_bytes + c.arena_bytes + c.tables_bytes AS plan_bytes,
       c.infeasible, v.note,
       (SELECT k.cpus FROM run r JOIN machine k ON k.id = r.machine
        WHERE r.id = coalesce((SELECT base_run FROM gate WHERE run = c.run), c.run) AND k.cpus < c.threads
        AND c.infeasible IS NULL) AS on_cpus
FROM cell c JOIN variant v ON v.id = c.variant LEFT JOIN model m ON m.id = v.model;

-- Which axes have more than one value in a run: 1 or 0.
CREATE TEMP VIEW v_vary AS
SELECT run, count(DISTINCT coalesce(model_id, 0)) > 1 AS model, count(DISTINCT format) > 1 AS format,
       count(DISTINCT kv) > 1 AS kv, count(DISTINCT policy) > 1 AS policy, count(DISTINCT compute) > 1 AS compute,
       count(DISTINCT isa) > 1 AS isa, count(DISTINCT runtime) > 1 AS runtime, count(DISTINCT context) > 1 AS context,
       count(DISTINCT threads) > 1 AS threads, count(DISTINCT decode) > 1 AS decode, count(DISTINCT batch) > 1 AS batch
FROM v_axes GROUP BY run;

-- Every cell with what a figure calls it: the format and whatever else varies in its run.
--   quality   what the variant is
--   setting   how it was run, context apart; empty when nothing of that varies
CREATE TEMP VIEW v_label AS
SELECT a.run, a.cell,
       a.format || CASE WHEN y.kv THEN ' kv ' || a.kv ELSE '' END || CASE WHEN y.policy THEN ' ' || a.policy ELSE '' END ||
       CASE WHEN y.compute THEN ' ' || a.compute ELSE '' END ||
       CASE WHEN y.model THEN ' ' || coalesce(a.model, '(no model)') ELSE '' END AS quality,
       CASE WHEN y.threads THEN ', ' || a.threads || CASE a.threads WHEN 1 THEN ' thread' ELSE ' threads' END ||
           coalesce(' on ' || a.on_cpus || CASE a.on_cpus WHEN 1 THEN ' CPU' ELSE ' CPUs' END, '') ELSE '' END ||
       CASE WHEN y.isa THEN ', ' || a.isa ELSE '' END || CASE WHEN y.runtime THEN ', ' || a.runtime ELSE '' END ||
       CASE WHEN y.decode THEN ', decode ' || a.decode ELSE '' END ||
       CASE WHEN y.batch THEN ', batch ' || a.batch ELSE '' END AS setting
FROM v_axes a JOIN v_vary y ON y.run = a.run;

-- What all cells of a run have in common, in words; the format is left out, for it names the rows of every table and figure.
CREATE TEMP VIEW v_shared AS
SELECT a.run,
       ltrim(CASE WHEN y.model OR a.model IS NULL THEN '' ELSE ', model ' || a.model END ||
             CASE WHEN y.kv THEN '' ELSE ', kv ' || a.kv END || CASE WHEN y.policy THEN '' ELSE ', policy ' || a.policy END ||
             CASE WHEN y.compute THEN '' ELSE ', compute ' || a.compute END ||
             CASE WHEN y.isa THEN '' ELSE ', isa ' || a.isa END ||
             CASE WHEN y.runtime THEN '' ELSE ', runtime ' || a.runtime END ||
             CASE WHEN y.context THEN '' ELSE ', context ' || a.context END ||
             CASE WHEN y.threads THEN '' ELSE ', threads ' || a.threads ||
                 coalesce(' on ' || a.on_cpus || CASE a.on_cpus WHEN 1 THEN ' CPU' ELSE ' CPUs' END, '') END ||
             CASE WHEN y.decode THEN '' ELSE ', decode ' || a.decode END ||
             CASE WHEN y.batch THEN '' ELSE ', batch ' || a.batch END, ', ') AS words
FROM v_axes a JOIN v_vary y ON y.run = a.run
WHERE a.cell = (SELECT min(id) FROM cell WHERE run = a.run);

-- Every trial that is ok, one row.  ms/token is the median over the decoded tokens.  TTFT is prefill and the first decoded token.
-- A reading in any state but ok is left out here, and so is one that is suspect.
CREATE TEMP VIEW v_trial AS
SELECT a.*, t.id AS trial, t.round,
       blob_median_ns(d.token_ns) / 1e6 AS ms_per_token,
       l.ns / 1e6 AS load_ms, p.ns / 1e6 AS prefill_ms, p.tokens AS prefill_tokens,
       (p.ns + blob_at_ns(d.token_ns, 0)) / 1e6 AS ttft_ms, blob_quantile_ns(d.token_ns, 0.99) / 1e6 AS p99_ms,
       (SELECT CASE count(*) WHEN 2 THEN sum(value) * 1.0 / d.tokens END FROM reading
        WHERE stretch = d.id AND name IN ('sched.utime', 'sched.stime') AND state = 'ok') AS cpu_ns_per_token,
       (SELECT CASE count(*) WHEN 2 THEN sum(value) END FROM reading
        WHERE stretch = p.id AND name IN ('sched.utime', 'sched.stime') AND state = 'ok') AS prefill_cpu_ns,
       (SELECT value * 1.0 / d.tokens FROM reading
        WHERE stretch = d.id AND name = 'counters.instructions' AND state = 'ok') AS instructions,
       (SELECT CASE WHEN min(state) = 'ok' AND max(state) = 'ok' THEN sum(value) * 1.0 / d.tokens END FROM reading
        WHERE stretch = d.id AND name GLOB 'energy.package-*' AND name NOT GLOB 'energy.package-*.*') AS uj_per_token,
       (SELECT value FROM reading WHERE stretch = w.id AND name = 'memory.peak' AND state = 'ok') AS peak_bytes,
       (SELECT value FROM reading WHERE stretch = w.id AND name = 'memory.start' AND state = 'ok') AS start_bytes,
       (SELECT value FROM reading WHERE stretch = w.id AND name = 'memory.peak_anon' AND state = 'ok') AS peak_anon_bytes,
       (SELECT value FROM reading WHERE stretch = w.id AND name = 'memory.peak_file' AND state = 'ok') AS peak_file_bytes,
       (SELECT value FROM reading WHERE stretch = w.id AND name = 'memory.peak_shmem' AND state = 'ok') AS peak_shmem_bytes
FROM trial t JOIN v_axes a ON a.cell = t.cell
     LEFT JOIN stretch l ON l.trial = t.id AND l.kind = 'load'
     LEFT JOIN stretch p ON p.trial = t.id AND p.kind = 'prefill'
     LEFT JOIN stretch d ON d.trial = t.id AND d.kind = 'decode'
     LEFT JOIN stretch w ON w.trial = t.id AND w.kind = 'trial'
WHERE t.state = 'ok';

-- What each trial that is ok measured, a row each, by the names and in the base units of the gate's metrics (bench/gate_metric.c).
CREATE TEMP VIEW v_value AS
SELECT run, cell, round, 'ms_per_token' AS metric, ms_per_token * 1e6 AS value FROM v_trial WHERE ms_per_token IS NOT NULL
UNION ALL SELECT run, cell, round, 'cpu_per_token', cpu_ns_per_token FROM v_trial WHERE cpu_ns_per_token IS NOT NULL
UNION ALL SELECT run, cell, round, 'prefill_ms', prefill_ms * 1e6 FROM v_trial WHERE prefill_ms IS NOT NULL
UNION ALL SELECT run, cell, round, 'prefill_cpu', prefill_cpu_ns FROM v_trial WHERE prefill_cpu_ns IS NOT NULL
UNION ALL SELECT run, cell, round, 'ttft_ms', ttft_ms * 1e6 FROM v_trial WHERE ttft_ms IS NOT NULL
UNION ALL SELECT run, cell, round, 'p99_ms', p99_ms * 1e6 FROM v_trial WHERE p99_ms IS NOT NULL
UNION ALL SELECT run, cell, round, 'instructions', instructions FROM v_trial WHERE instructions IS NOT NULL
UNION ALL SELECT run, cell, round, 'joules_per_token', uj_per_token FROM v_trial WHERE uj_per_token IS NOT NULL
UNION ALL SELECT run, cell, round, 'peak_memory', peak_bytes FROM v_trial WHERE peak_bytes IS NOT NULL;

-- Every reading that has a trustworthy value, over the ok trials of a cell.
CREATE TEMP VIEW v_reading AS
SELECT c.run, c.id AS cell, s.kind AS stretch, r.name, r.unit, median(r.value) AS median, count(*) AS trials
FROM reading r JOIN stretch s ON s.id = r.stretch JOIN trial t ON t.id = s.trial JOIN cell c ON c.id = t.cell
WHERE t.state = 'ok' AND r.state = 'ok'
GROUP BY c.run, c.id, s.kind, r.name;

-- Every score; of perplexity also the nats per token, of what is scored on a text the tokens scored.
CREATE TEMP VIEW v_score AS
SELECT s.id, s.run, s.variant, s.scorer, k.name AS task, k.sha256 AS task_sha256, s.state, s.reason, s.value,
       (SELECT sum(blob_real(sums, 0)) / sum(blob_real(sums, 1)) FROM score_item WHERE score = s.id AND s.scorer = 'perplexity') AS nll,
       coalesce(length(s.token_values) / 8, (SELECT CAST(sum(blob_real(sums, 1)) AS INTEGER) FROM score_item
                                             WHERE score = s.id AND s.scorer = 'perplexity')) AS tokens,
       row_number() OVER (PARTITION BY s.run, s.variant, s.scorer ORDER BY s.id) AS nth  -- 1: the first task of the run
FROM score s JOIN task k ON k.id = s.task;

-- Every cell: medians over its ok trials, its failures, the quality of its variant.
CREATE TEMP VIEW v_cell AS
SELECT a.*, count(t.trial) AS trials_ok,
       (SELECT count(*) FROM trial f WHERE f.cell = a.cell AND f.state <> 'ok') AS trials_failed,
       median(t.ms_per_token) AS ms_per_token, median_low(t.ms_per_token) AS ms_per_token_low,
       median_high(t.ms_per_token) AS ms_per_token_high, median_coverage(t.ms_per_token) AS ms_per_token_coverage,
       median(t.load_ms) AS load_ms, median(t.prefill_ms) AS prefill_ms,
       median(t.prefill_tokens * 1e3 / t.prefill_ms) AS prefill_tokens_per_s, median(t.ttft_ms) AS ttft_ms,
       median(t.peak_bytes) AS peak_bytes, median(t.start_bytes) AS start_bytes, median(t.peak_anon_bytes) AS peak_anon_bytes,
       median(t.peak_file_bytes) AS peak_file_bytes, median(t.peak_shmem_bytes) AS peak_shmem_bytes,
       q.value AS perplexity, q.nll, q.tokens, q.task AS perplexity_task
FROM v_axes a LEFT JOIN v_trial t ON t.cell = a.cell
     LEFT JOIN v_score q ON q.run = a.run AND q.variant = a.variant AND q.scorer = 'perplexity' AND q.nth = 1 AND q.state = 'ok'
GROUP BY a.run, a.cell;

-- Place of each cell's format in figures: the largest weights first, so that colours and rows mean the same in all of them.
CREATE TEMP VIEW v_format AS
SELECT run, format, row_number() OVER (PARTITION BY run ORDER BY max(weights_bytes) DESC, format) AS place
FROM v_axes GROUP BY run, format;

-- Every cell with its whole name and its place in tables: formats by size, then what varies.
CREATE TEMP VIEW v_place AS
SELECT a.*, l.quality, l.quality || ', context ' || a.context || l.setting AS label,
       row_number() OVER (PARTITION BY a.run ORDER BY f.place, l.quality, a.context, a.threads, l.setting, a.cell) AS place
FROM v_axes a JOIN v_label l ON l.cell = a.cell JOIN v_format f ON f.run = a.run AND f.format = a.format;

-- Every process that measured: the trials of a sweep, and those of a gate's units.
CREATE TEMP VIEW v_process AS
SELECT c.run, t.state FROM trial t JOIN cell c ON c.id = t.cell
UNION ALL
SELECT c.run, u.state FROM unit u JOIN cell c ON c.id = u.cell;

-- A run in words.
CREATE TEMP VIEW v_run AS
SELECT r.id AS run, r.state, r.command, r.trials, r.seed,
       strftime('%Y-%m-%dT%H:%M:%SZ', r.started_ns / 1000000000, 'unixepoch') AS started,
       (SELECT count(*) FROM cell WHERE run = r.id) AS cells,
       (SELECT count(*) FROM v_process WHERE run = r.id AND state = 'ok') AS trials_ok,
       (SELECT count(*) FROM v_process WHERE run = r.id AND state <> 'ok') AS trials_failed,
       (SELECT group_concat(DISTINCT coalesce(model, '(no model)')) FROM v_axes WHERE run = r.id) AS models,
       (SELECT words FROM v_shared WHERE run = r.id) AS shared,
       m.cpu, b.git_commit,
       coalesce(m.cpu, 'unknown CPU') || ', ' || m.cores || ' cores, ' || m.cpus || ' CPUs, ' ||
       printf('%.1f GiB', m.memory_bytes / 1073741824.0) || coalesce(', ' || m.isa, '') || coalesce(', ' || m.os, '') ||
       coalesce(', kernel ' || m.kernel, '') || coalesce(', on ' || m.virt, '') ||
       coalesce(', governor ' || m.governor, '') AS machine,
       coalesce('bench ' || b.version, 'bench') || coalesce(' (' || b.git_commit || ')', '') ||
       coalesce(', ' || b.compiler, '') AS build
FROM run r JOIN machine m ON m.id = r.machine JOIN build b ON b.id = r.build;

-- A gate: its two sides, and how it ended.
CREATE TEMP VIEW v_gate AS
SELECT g.run, g.outcome, g.reason, g.rule_version, g.rule, g.base_path, g.head_path, g.base_sha256, g.head_sha256,
       b.git_commit AS base_commit, h.git_commit AS head_commit,
       coalesce('bench ' || b.version, 'bench') || coalesce(' (' || b.git_commit || ')', '') AS base_build,
       coalesce('bench ' || h.version, 'bench') || coalesce(' (' || h.git_commit || ')', '') AS head_build,
       (SELECT path FROM model WHERE id = g.base_model) AS base_model, (SELECT path FROM model WHERE id = g.head_model) AS head_model,
       g.base_run, g.head_run, r.seed, r.started, r.shared,
       CASE WHEN g.base_path IS NULL THEN (SELECT machine FROM v_run WHERE run = g.base_run) ELSE r.machine END AS machine
FROM gate g JOIN build b ON b.id = g.base_build JOIN build h ON h.id = g.head_build JOIN v_run r ON r.run = g.run;

-- What a gate's rule decided: metric by metric of each cell, then score by score of each variant.  Of a metric the change is the
-- logarithm of head / base; a score has a scorer and a test, and its change is head - base.
CREATE TEMP VIEW v_verdict AS
SELECT * FROM (
    SELECT p.run, p.place, p.label, NULL AS scorer, NULL AS test, v.*
    FROM verdict v JOIN v_place p ON p.cell = v.cell
    UNION ALL
    SELECT p.run, p.place, p.quality, q.scorer, q.test, q.cell, q.task || ':' || q.scorer, q.gates, q.outcome, q.reason, q.margin, q.base,
           q.head, q.items, q.difference, q.low, q.high, NULL, q.lower, q.upper, q.p, NULL, q.mde, NULL, NULL, NULL, NULL, NULL, NULL
    FROM quality q JOIN v_place p ON p.cell = q.cell
)
ORDER BY run, scorer IS NOT NULL, place;

-- The builds that the history was held against; the newest counts.
CREATE TEMP VIEW v_anchor AS
SELECT a.id AS anchor, a.build, b.git_commit, a.path, a.sha256, a.reason, a.id = (SELECT max(id) FROM anchor) AS newest,
       coalesce('bench ' || b.version, 'bench') || coalesce(' (' || b.git_commit || ')', '') || coalesce(', ' || b.compiler, '') AS words,
       strftime('%Y-%m-%dT%H:%M:%SZ', a.set_ns / 1000000000, 'unixepoch') AS set_at
FROM anchor a JOIN build b ON b.id = a.build;

-- The points of the history: what each gate with the newest anchor as its base said of each cell and metric.  A new kernel or
-- governor is no new machine here, for both programs met it.
CREATE TEMP VIEW v_history AS
SELECT g.run, r.started_ns, h.git_commit, coalesce(m.cpu, 'unknown CPU') || ', ' || m.cores || ' cores, ' || m.arch AS machine,
       x.model_id, x.model, x.format, x.kv, x.policy, x.context, x.threads, x.isa, x.compute, x.runtime, x.decode, x.batch,
       v.metric, v.outcome, v.units, v.estimate, v.low, v.high, v.tolerance IS NULL AS exact
FROM verdict v JOIN v_axes x ON x.cell = v.cell JOIN gate g ON g.run = x.run JOIN run r ON r.id = g.run
     JOIN machine m ON m.id = r.machine JOIN build h ON h.id = g.head_build
WHERE g.base_model IS NULL AND g.base_run IS NULL AND g.base_build = (SELECT build FROM anchor ORDER BY id DESC LIMIT 1) AND v.estimate IS NOT NULL
  AND v.outcome IN ('pass', 'regressed', 'inconclusive');

-- What stands below the table of a run: what could not be measured, and why.  Cells with one reason share a line, which names the
-- first of them (SQLite takes the columns that are not aggregated from the row that has the minimum).
CREATE TEMP VIEW v_remark AS
SELECT run, 1 AS section, 'Cannot run:' AS title, min(place) AS place,
       label || CASE WHEN count(*) > 1 THEN ' and ' || (count(*) - 1) || ' more' ELSE '' END AS what, infeasible AS why
FROM v_place WHERE infeasible IS NOT NULL GROUP BY run, infeasible
UNION ALL
SELECT p.run, 2, 'Failed trials:', min(p.place),
       p.label || CASE WHEN count(DISTINCT p.cell) > 1 THEN ' and ' || (count(DISTINCT p.cell) - 1) || ' more' ELSE '' END ||
       ', ' || count(*) || ' x ' || t.state, t.reason
FROM v_place p JOIN trial t ON t.cell = p.cell WHERE t.state <> 'ok' GROUP BY p.run, t.state, t.reason
UNION ALL
SELECT p.run, 3, 'Failed scores:', min(p.place), p.quality || ' on ' || q.task || ', ' || q.state, q.reason
FROM v_place p JOIN v_score q ON q.run = p.run AND q.variant = p.variant
WHERE q.state <> 'ok' GROUP BY p.run, q.variant, q.task, q.scorer
UNION ALL
SELECT run, 4, 'Notes:', min(place), quality, note FROM v_place WHERE note IS NOT NULL GROUP BY run, variant
UNION ALL
SELECT run, 5, 'Probes:', row_number() OVER (PARTITION BY run ORDER BY state <> 'ok', name), name,
       state || CASE reason WHEN '' THEN '' ELSE ', ' || reason END
FROM probe
ORDER BY run, section, place;

-- ms/token against context: a series per format and setting, its points by context.
CREATE TEMP VIEW fig_latency AS
SELECT c.run, dense_rank() OVER (PARTITION BY c.run ORDER BY f.place, l.quality, c.threads, l.setting) AS series,
       l.quality || l.setting AS label, f.place AS colour,
       dense_rank() OVER (PARTITION BY c.run, f.place ORDER BY l.quality, c.threads, l.setting) AS dash,
       c.context, c.ms_per_token, c.ms_per_token_low AS low, c.ms_per_token_high AS high, c.trials_ok AS trials
FROM v_cell c JOIN v_label l ON l.cell = c.cell JOIN v_format f ON f.run = c.run AND f.format = c.format
WHERE c.ms_per_token IS NOT NULL
ORDER BY series, c.context;

-- ms/token by format and context: a row of the map per format and setting, and why a cell is empty.
CREATE TEMP VIEW fig_heatmap AS
SELECT c.run, dense_rank() OVER (PARTITION BY c.run ORDER BY f.place, l.quality, c.threads, l.setting) AS row,
       l.quality || l.setting AS label, dense_rank() OVER (PARTITION BY c.run ORDER BY c.context) AS column, c.context,
       c.ms_per_token,
       CASE WHEN c.ms_per_token IS NOT NULL THEN 'ok' WHEN c.infeasible IS NOT NULL THEN 'cannot run'
            WHEN c.trials_failed > 0 THEN 'failed' ELSE 'not measured' END AS state
FROM v_cell c JOIN v_label l ON l.cell = c.cell JOIN v_format f ON f.run = c.run AND f.format = c.format
WHERE EXISTS (SELECT 1 FROM trial t JOIN cell o ON o.id = t.cell WHERE o.run = c.run AND t.state = 'ok')
ORDER BY row, column;

-- Quality against speed: each scored variant at its fastest setting, at the longest context that the run measured.
-- front is 1 where no other variant is at least as good in both and better in one.
-- Quality is the KL divergence from the reference where the run has it, else perplexity.  A reference differs from its variant in
-- the weights only, so a run of several models, KV formats, policies or compute paths has several, and perplexity it is, too.
-- low, high and no_interval are filled in by bench/cmd/stored_scores.c, from the items of score.
CREATE TEMP VIEW fig_pareto AS
WITH quality AS (
    SELECT q.run, q.variant, q.scorer, q.task, q.value, q.id AS score
    FROM v_score q JOIN v_vary y ON y.run = q.run
    WHERE q.state = 'ok' AND q.nth = 1 AND q.scorer =
          CASE WHEN y.model + y.kv + y.policy + y.compute = 0 AND EXISTS (SELECT 1 FROM score k WHERE k.run = q.run AND
                    k.scorer = 'kl_divergence' AND k.state = 'ok') THEN 'kl_divergence' ELSE 'perplexity' END
), scored AS (
    SELECT c.run, l.quality || l.setting AS label, f.place AS colour, c.context, c.ms_per_token, q.scorer, q.task, q.value,
           q.score, row_number() OVER (PARTITION BY c.run, c.variant ORDER BY c.ms_per_token, c.cell) AS nth
    FROM v_cell c JOIN quality q ON q.run = c.run AND q.variant = c.variant
         JOIN v_label l ON l.cell = c.cell JOIN v_format f ON f.run = c.run AND f.format = c.format
    WHERE c.ms_per_token IS NOT NULL
      AND c.context = (SELECT max(o.context) FROM cell o JOIN trial t ON t.cell = o.id WHERE o.run = c.run AND t.state = 'ok')
), points AS (SELECT * FROM scored WHERE nth = 1)
SELECT p.run, p.label, p.colour, p.context, p.ms_per_token, p.scorer, p.task, p.value,
       NULL AS low, NULL AS high, NULL AS no_interval,
       NOT EXISTS (SELECT 1 FROM points o WHERE o.run = p.run AND o.ms_per_token <= p.ms_per_token AND
                   o.value <= p.value AND (o.ms_per_token < p.ms_per_token OR o.value < p.value)) AS front,
       p.score
FROM points p
ORDER BY p.ms_per_token, p.value;

-- Memory: the plan's parts and the program itself beside the measured peak, per variant and context; of several settings the one with the largest peak.
CREATE TEMP VIEW fig_memory AS
WITH largest AS (
    SELECT c.*, l.quality, f.place,
           row_number() OVER (PARTITION BY c.run, c.variant, c.context
                              ORDER BY c.peak_bytes DESC, c.plan_bytes DESC, c.cell) AS nth
    FROM v_cell c JOIN v_label l ON l.cell = c.cell JOIN v_format f ON f.run = c.run AND f.format = c.format
    WHERE c.peak_bytes IS NOT NULL OR c.plan_bytes IS NOT NULL
)
SELECT g.run, row_number() OVER (PARTITION BY g.run ORDER BY g.place, g.quality, g.context) AS bar,
       g.quality || CASE WHEN y.context THEN ', context ' || g.context ELSE '' END AS label,
       g.weights_bytes / 1048576.0 AS weights_mib, g.kv_bytes / 1048576.0 AS kv_mib, g.arena_bytes / 1048576.0 AS arena_mib,
       g.tables_bytes / 1048576.0 AS tables_mib, g.start_bytes / 1048576.0 AS program_mib, g.peak_bytes / 1048576.0 AS peak_mib,
       CASE WHEN g.infeasible IS NOT NULL THEN 'cannot run' WHEN g.trials_ok > 0 THEN 'ok' ELSE 'not measured' END AS state
FROM largest g JOIN v_vary y ON y.run = g.run
WHERE g.nth = 1
ORDER BY bar;

-- A gate: the change of each metric that has an interval, as log ratios of head / base.  Metrics that gate come first, and the
-- cells of a metric stand together below a free row, which is for its name.
CREATE TEMP VIEW fig_gate AS
SELECT run, row_number() OVER (PARTITION BY run ORDER BY gates DESC, metric, place) +
            dense_rank() OVER (PARTITION BY run ORDER BY gates DESC, metric) AS row,
       metric, gates, label, estimate, low, high, tolerance, outcome
FROM v_verdict WHERE scorer IS NULL AND low IS NOT NULL AND tolerance IS NOT NULL
ORDER BY run, row;

-- Roofline of the run's machine: what bench kernels measured there last, of the measurements that took weights out of memory.
-- Rows are of four kinds: read, the bandwidth, and peak, one per arithmetic unit, both with all threads; decode, a kernel at one
-- shape with one column, and batch, with more.  Of several kernels for the same it is the fastest.  Colours go to the formats with
-- the largest weights first.
CREATE TEMP VIEW fig_roofline AS
WITH newest AS (
    SELECT machine, max(measured_ns) AS measured_ns FROM kernel WHERE of_bandwidth IS NOT NULL GROUP BY machine
), measured AS (
    SELECT k.*, max(k.threads) OVER (PARTITION BY machine) AS most_threads,
           strftime('%Y-%m-%d', measured_ns / 1000000000, 'unixepoch') AS measured
    FROM newest JOIN kernel k USING (machine, measured_ns)
), product AS (
    SELECT *, substr(name, 1, instr(name, '_mat') - 1) AS format, ops_per_s / bytes_per_s AS ops_per_byte,
           row_number() OVER (PARTITION BY machine, substr(name, 1, instr(name, '_mat')), n_rows, k, n_columns ORDER BY ns) AS nth
    FROM measured WHERE of_bandwidth IS NOT NULL
), format AS (
    SELECT machine, format, row_number() OVER (PARTITION BY machine ORDER BY max(n_columns / ops_per_byte) DESC, format) AS colour
    FROM product GROUP BY machine, format
), drawn AS (
    SELECT machine, CASE name WHEN 'read_bandwidth' THEN 'read' ELSE 'peak' END AS kind,
           CASE name WHEN 'read_bandwidth' THEN 'read' ELSE replace(name, 'peak_', '') END AS label, NULL AS colour,
           NULL AS kernel, NULL AS n_rows, NULL AS k, NULL AS columns, NULL AS ops_per_byte, ops_per_s, bytes_per_s,
           NULL AS of_roof, threads, measured
    FROM measured WHERE (name = 'read_bandwidth' OR name GLOB 'peak_*') AND threads = most_threads
    UNION ALL
    SELECT machine, CASE n_columns WHEN 1 THEN 'decode' ELSE 'batch' END, format, colour, name, n_rows, k, n_columns,
           ops_per_byte, ops_per_s, bytes_per_s, max(of_bandwidth, of_peak), threads, measured
    FROM product JOIN format USING (machine, format) WHERE nth = 1
)
SELECT r.id AS run, d.kind, d.label, d.colour, d.kernel, d.n_rows, d.k, d.columns, d.ops_per_byte, d.ops_per_s / 1e9 AS gops,
       d.bytes_per_s / 1e9 AS gb_per_s, d.of_roof, d.threads, d.measured, coalesce(m.cpu, 'unknown CPU') AS cpu
FROM drawn d JOIN run r ON r.machine = d.machine JOIN machine m ON m.id = d.machine
ORDER BY run, kind DESC, colour, columns, k, n_rows, label;
