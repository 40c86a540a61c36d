-- Comparisons: what was asked, which run belongs to which cell of the plan, votes, and what servers say of their speed.

DROP VIEW v_generations;

ALTER TABLE runs ADD COLUMN comparison_id UUID;
ALTER TABLE runs ADD COLUMN cell INTEGER;                    -- number of the cell in the comparison's plan

ALTER TABLE generations ADD COLUMN visible_chars INTEGER;    -- characters of the visible answer
ALTER TABLE generations ADD COLUMN server_ttft_ms DOUBLE;    -- what the server says of itself
ALTER TABLE generations ADD COLUMN server_prompt_tok_s DOUBLE;
ALTER TABLE generations ADD COLUMN server_decode_tok_s DOUBLE;
ALTER TABLE generations ADD COLUMN server_load_ms DOUBLE;

CREATE TABLE comparisons (
    id UUID NOT NULL,
    title TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    state TEXT NOT NULL,
    mode TEXT NOT NULL,
    contenders INTEGER NOT NULL,
    prompts INTEGER NOT NULL,
    fault TEXT,                          -- JSON object
    rerun_of UUID,
    trashed_at TIMESTAMPTZ,
    setup TEXT NOT NULL,                 -- JSON object
    plan TEXT NOT NULL                   -- JSON object, columns of cells
);

-- Append-only; a vote that was taken back stands in vote_removals.
CREATE TABLE votes (
    id UUID NOT NULL,
    comparison_id UUID NOT NULL,
    left_cell INTEGER NOT NULL,
    right_cell INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    blind BOOLEAN NOT NULL,
    voter TEXT NOT NULL,                 -- person or judge
    judge TEXT,                          -- key of the model that judged
    topic TEXT NOT NULL,
    left_model TEXT NOT NULL,            -- key, in lower case
    left_quantisation TEXT,
    right_model TEXT NOT NULL,
    right_quantisation TEXT,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE vote_removals (
    vote_id UUID NOT NULL,
    removed_at TIMESTAMPTZ NOT NULL
);

CREATE VIEW v_generations AS
SELECT
    g.* EXCLUDE (sampling, prompt_parts),
    least(g.first_reasoning_ms, g.first_visible_ms) AS ttft_ms,
    CASE
        WHEN g.completion_tokens >= 2
            AND g.last_token_ms - least(g.first_reasoning_ms, g.first_visible_ms) >= 1.0
        THEN (g.completion_tokens - 1) * 1000.0
            / (g.last_token_ms - least(g.first_reasoning_ms, g.first_visible_ms))
    END AS decode_tok_s,
    CASE
        WHEN NOT g.prompt_tokens_estimated AND least(g.first_reasoning_ms, g.first_visible_ms) > 0
        THEN (g.prompt_tokens - coalesce(g.cached_tokens, 0)) * 1000.0
            / least(g.first_reasoning_ms, g.first_visible_ms)
    END AS prompt_tok_s,
    r.kind AS run_kind,
    r.comparison_id,
    r.cell,
    c.title AS conversation_title
FROM generations g
JOIN runs r ON r.id = g.run_id
LEFT JOIN conversations c ON c.id = g.conversation_id;
