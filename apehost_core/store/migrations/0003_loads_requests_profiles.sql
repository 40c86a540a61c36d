-- Loads as times of their own, the exact requests, profiles, and the settings of a conversation.

DROP VIEW v_generations;

ALTER TABLE generations ADD COLUMN load_ms DOUBLE;   -- waited for the model to be loaded; part of queued_ms

ALTER TABLE conversations ADD COLUMN settings TEXT;  -- JSON object of what was set for this conversation alone

-- One row for each request that went out. The messages of its body stand in prompt_messages, each once.
CREATE TABLE requests (
    run_id UUID NOT NULL,
    seq BIGINT NOT NULL,                 -- of the event in run_events
    path TEXT NOT NULL,
    body TEXT NOT NULL,                  -- the JSON that was sent, "messages" being an array of sha256
    sha256 TEXT NOT NULL                 -- of the bytes that were sent, hex
);

CREATE TABLE prompt_messages (
    sha256 TEXT NOT NULL,                -- of body, hex
    body TEXT NOT NULL                   -- one message as it was sent, JSON
);

CREATE TABLE profiles (
    id UUID NOT NULL,
    pattern TEXT NOT NULL,               -- model key, or a pattern with * and ?
    settings TEXT NOT NULL,              -- JSON object of what it sets
    updated_at TIMESTAMPTZ NOT NULL
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
    r.kind AS run_kind,
    c.title AS conversation_title
FROM generations g
JOIN runs r ON r.id = g.run_id
LEFT JOIN conversations c ON c.id = g.conversation_id;
