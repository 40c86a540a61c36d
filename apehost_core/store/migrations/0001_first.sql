-- Ids are UUIDv7, so they sort by time. Times are UTC with microseconds. No indexes: tables that are updated and
-- indexed have a record of silent damage, and zone maps over time-sorted ids find a row quickly enough.

CREATE TABLE conversations (
    id UUID NOT NULL,
    title TEXT NOT NULL,
    title_source TEXT NOT NULL,          -- prompt, model or person; a person's title is never replaced
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    leaf_id UUID,                        -- last message of the selected branch
    trashed_at TIMESTAMPTZ,
    profile TEXT,
    origin TEXT                          -- where an imported conversation came from
);

-- Append-only; a tree by parent_id, siblings are alternatives.
CREATE TABLE messages (
    id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    parent_id UUID,
    role TEXT NOT NULL,
    parts TEXT NOT NULL,                 -- JSON array of parts
    text TEXT NOT NULL,                  -- the visible text of the parts
    created_at TIMESTAMPTZ NOT NULL,
    run_id UUID                          -- the run that wrote it
);

CREATE TABLE runs (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    parent_run_id UUID,
    conversation_id UUID,
    parent_message_id UUID,
    message_id UUID,
    server TEXT NOT NULL,
    model TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    outcome TEXT,                        -- NULL while it lives
    fault TEXT                           -- JSON object
);

-- Append-only log of every run; deltas of one kind that were committed together are one row.
CREATE TABLE run_events (
    run_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    through_seq BIGINT NOT NULL,
    at_ns BIGINT NOT NULL,               -- monotonic clock of the process that wrote it: only differences mean anything
    through_ns BIGINT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT,
    count INTEGER,                       -- upstream deltas in `text`
    data TEXT                            -- JSON object of the event's other fields
);

-- One row for each model call. Times are ms after the request was sent, queued and total from the turn's start.
CREATE TABLE generations (
    id UUID NOT NULL,
    run_id UUID NOT NULL,
    message_id UUID,
    conversation_id UUID,
    started_at TIMESTAMPTZ NOT NULL,
    server TEXT NOT NULL,
    model_asked TEXT NOT NULL,
    model_answered TEXT,
    quantisation TEXT,
    runtime TEXT,
    sampling TEXT NOT NULL,              -- JSON object of what was set
    prompt_parts TEXT NOT NULL,          -- JSON array: role, characters and hash of each message sent
    prompt_hash TEXT NOT NULL,
    tool_schema_hash TEXT,
    prompt_tokens BIGINT,
    prompt_tokens_estimated BOOLEAN NOT NULL,
    completion_tokens BIGINT,
    completion_tokens_estimated BOOLEAN NOT NULL,
    reasoning_tokens BIGINT,
    cached_tokens BIGINT,
    cold BOOLEAN,                        -- the model was loaded for this call; NULL when unknown
    finish_reason TEXT,
    outcome TEXT NOT NULL,
    fault TEXT,                          -- JSON object
    queued_ms DOUBLE,
    connect_ms DOUBLE,
    headers_ms DOUBLE,
    first_byte_ms DOUBLE,
    first_reasoning_ms DOUBLE,
    first_visible_ms DOUBLE,
    last_token_ms DOUBLE,
    total_ms DOUBLE,
    warnings TEXT NOT NULL               -- JSON array
);

CREATE TABLE tool_calls (
    id UUID NOT NULL,
    run_id UUID NOT NULL,
    generation_id UUID,
    message_id UUID,
    call_id TEXT NOT NULL,
    tool TEXT NOT NULL,
    source TEXT NOT NULL,
    arguments TEXT NOT NULL,
    result TEXT,
    error_kind TEXT,
    approval TEXT,
    started_at TIMESTAMPTZ NOT NULL,
    duration_ms DOUBLE
);

-- What was seen of each server; addresses and tokens stay in the settings.
CREATE TABLE servers (
    name TEXT NOT NULL,
    kind TEXT,
    version TEXT,
    first_seen_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE settings_audit (
    changed_at TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    setting TEXT NOT NULL,
    old_value TEXT,                      -- never a secret's value
    new_value TEXT
);

CREATE TABLE tags (
    conversation_id UUID NOT NULL,
    tag TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE VIEW v_generations AS
SELECT
    g.* EXCLUDE (sampling, prompt_parts),
    least(g.first_reasoning_ms, g.first_visible_ms) AS ttft_ms,
    CASE
        WHEN g.completion_tokens >= 2 AND g.last_token_ms > least(g.first_reasoning_ms, g.first_visible_ms)
        THEN (g.completion_tokens - 1) * 1000.0
            / (g.last_token_ms - least(g.first_reasoning_ms, g.first_visible_ms))
    END AS decode_tok_s,
    r.kind AS run_kind,
    c.title AS conversation_title
FROM generations g
JOIN runs r ON r.id = g.run_id
LEFT JOIN conversations c ON c.id = g.conversation_id;
