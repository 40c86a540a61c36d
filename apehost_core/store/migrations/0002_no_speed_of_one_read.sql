-- Tokens that came within a millisecond came in one network read: how fast they were written is unknown.

CREATE OR REPLACE VIEW v_generations AS
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
