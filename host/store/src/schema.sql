-- A run of Rewarden, schema 5. Open it with any SQLite tool; PRAGMA application_id is 0x52574452 ("RWDR") and PRAGMA
-- user_version is the schema's version. Text columns that hold JSON say so. A score in JSON is a number, null (the
-- response was not shown), {"abstain": "why"} or, only in what a parser returned, {"not_finite": "NaN"}.
--
-- These tables are all that a run has, and a file with anything else is refused: `shape.rs` compares every statement with
-- the one here, but for comments and white space. Schema 4 is the same with components uncompressed, schema 3 also without the
-- columns that are marked as new in 4, schema 2 also without `seals`; all stay so when they are gone on with.

-- What holds for the whole run, by key:
--   created   UTC time, ISO 8601
--   source    score, import or replay
--   origin    where an import or a replay came from; for people
--   host      version of the rewarden that made the run
--   drawn     JSON: model, meta model, models of judges, sampling, seed, budget
--   strategy  JSON: pack, principles, template, parser, policy, judges, meta RM, scorers (digests, effective configurations), scale, contract;
--             missing in an import
--   digest    JSON: digest of the run and of its parts, and how many tasks it holds; there while the run is closed, see
--             docs/runs.md
CREATE TABLE run (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- The plugins that made the run, so that it can be verified and replayed anywhere.
CREATE TABLE components (
    digest TEXT PRIMARY KEY NOT NULL, -- sha256: and 64 hexadecimal digits
    name   TEXT NOT NULL,
    wasm   BLOB NOT NULL    -- zstd; in schemas before 5 the component itself
);

CREATE TABLE tasks (
    key       INTEGER PRIMARY KEY, -- counts up in the order in which tasks were begun
    id        TEXT NOT NULL UNIQUE,
    messages  TEXT NOT NULL, -- JSON: [{role, content}]
    responses TEXT NOT NULL, -- JSON: [text]
    reference TEXT,
    preferred INTEGER,       -- index into responses
    metadata  TEXT NOT NULL  -- JSON object
);

-- What the responses to a query are judged under, where the pack has principles written beforehand. One generation a query,
-- for all tasks that have it: principles or a failure. Failures of the model or its server are not kept.
CREATE TABLE principles (
    query             TEXT PRIMARY KEY NOT NULL, -- sha256 of the conversation and of the metadata that the pack names
    temperature       REAL NOT NULL,
    seed              INTEGER NOT NULL,
    prompt            TEXT, -- as in samples, like all up to tokens
    text              TEXT,
    thinking          TEXT,
    finish            TEXT,
    prompt_tokens     INTEGER,
    completion_tokens INTEGER,
    seconds           REAL,
    tokens            TEXT,
    principles        TEXT, -- JSON: [{name, weight, text}]
    failure_kind      TEXT,
    failure_message   TEXT
);

-- Whose principles a task was judged under.
CREATE TABLE queries (
    task  INTEGER PRIMARY KEY REFERENCES tasks (key),
    query TEXT NOT NULL REFERENCES principles (query)
);

-- One generation each. A sample has either scores or a failure.
CREATE TABLE samples (
    task              INTEGER NOT NULL REFERENCES tasks (key),
    id                INTEGER NOT NULL, -- counts up from 0 within the task
    round             INTEGER NOT NULL, -- the policy's step that asked for it, from 1
    shown             TEXT NOT NULL,    -- JSON: indices of the responses, in shown order
    judge             TEXT,             -- new in 4: the judge that was asked; null is the pack's own
    asked             TEXT,             -- new in 4: JSON: ids of the criteria that were asked about; null is all
    built_on          TEXT,             -- new in 4: JSON: ids of the earlier samples that the prompt showed
    temperature       REAL NOT NULL,
    seed              INTEGER NOT NULL,
    prompt            TEXT,             -- sha256 of the request to the model, as JSON
    text              TEXT,             -- the answer, without thinking; null when the model failed
    thinking          TEXT,
    finish            TEXT,             -- stop or length
    prompt_tokens     INTEGER,          -- null where not known, like the next two
    completion_tokens INTEGER,
    seconds           REAL,
    tokens            TEXT,             -- JSON: [{text, logprob, alternatives: [{text, logprob}]}], where asked for
    answer_logprob    REAL,             -- new in 4: mean log-probability of the answer's tokens, where measured
    thinking_logprob  REAL,             -- new in 4: and of the thinking
    judgement         TEXT,             -- JSON, in shown order: {scores, principles: [{name, weight, text}], critique} and, new in 4,
                                        -- {criteria: [{criterion, response, score, reason}], confidence, distributions: [[[score, probability]]]}
    scores            TEXT,             -- JSON: one entry per response, in the task's own order
    failure_kind      TEXT,
    failure_message   TEXT,
    extra             TEXT,             -- JSON object: fields of an imported sample that the host does not know
    PRIMARY KEY (task, id)
);

-- A meta RM's rating of a sample: a number or a failure.
CREATE TABLE ratings (
    task              INTEGER NOT NULL REFERENCES tasks (key),
    sample            INTEGER NOT NULL,
    rating            REAL,
    failure_kind      TEXT,
    failure_message   TEXT,
    prompt            TEXT, -- sha256 of the request to the meta RM; null in an import, like all below
    text              TEXT,
    thinking          TEXT,
    finish            TEXT,
    prompt_tokens     INTEGER,
    completion_tokens INTEGER,
    seconds           REAL,
    tokens            TEXT,
    PRIMARY KEY (task, sample)
);

-- The end of a task: scores, or why there are none.
CREATE TABLE rewards (
    task            INTEGER PRIMARY KEY REFERENCES tasks (key),
    scores          TEXT, -- JSON, in the task's own order
    used            TEXT, -- JSON: ids of the samples that the scores come from
    rejected        TEXT, -- new in 4: JSON: [{sample, kind, message}]
    criteria        TEXT, -- new in 4: JSON: [{criterion, response, score, reason}], in the task's own order
    confidence      REAL, -- new in 4
    details         TEXT, -- JSON: [[name, value]]
    failure_kind    TEXT,
    failure_message TEXT
);

-- What a task was when it ended, or when the run was closed: SHA-256 of its rows, 32 bytes each. docs/runs.md says of what.
CREATE TABLE seals (
    task       INTEGER PRIMARY KEY REFERENCES tasks (key),
    content    BLOB NOT NULL, -- its row in tasks
    principles BLOB NOT NULL, -- what it was judged under
    samples    BLOB NOT NULL,
    ratings    BLOB NOT NULL,
    reward     BLOB NOT NULL,
    clock      BLOB NOT NULL  -- the seconds of all these, which no other part covers
);
