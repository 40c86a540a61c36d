"""Statements to begin with, each over the documented views."""

from dataclasses import dataclass

from apehost_core.history.console import ChartChoice


@dataclass(frozen=True, slots=True)
class Example:
    """A statement that shows what can be asked.

    Attributes:
        name: What it asks.
        sql: One SELECT.
        parameters: What is filled in for its parameters, by name.
        chart: How it is best drawn; None for a table.
    """

    name: str
    sql: str
    parameters: tuple[tuple[str, str], ...] = ()
    chart: ChartChoice | None = None


EXAMPLES = (
    Example(
        "Answers a day, by model",
        """SELECT started_at::DATE AS day, model, count(*) AS answers
FROM v_generations
WHERE run_kind = 'chat' AND started_at >= now() - INTERVAL 90 DAY
GROUP BY ALL
ORDER BY day""",
        chart=ChartChoice("bar", "day", "answers", "model"),
    ),
    Example(
        "Median speed of each model",
        """SELECT
    model, quantisation, count(*) AS calls,
    round(median(ttft_ms)) AS first_token_ms,
    round(median(decode_tok_s), 1) AS tokens_a_second
FROM v_generations
WHERE source = 'measured' AND outcome IN ('completed', 'length') AND cold IS NOT TRUE
GROUP BY ALL
ORDER BY tokens_a_second DESC""",
        chart=ChartChoice("bar", "model", "tokens_a_second"),
    ),
    Example(
        "Time to first token against prompt length",
        """SELECT prompt_tokens, ttft_ms, model
FROM v_generations
WHERE source = 'measured' AND cold IS NOT TRUE AND ttft_ms IS NOT NULL AND model = $model
ORDER BY started_at DESC
LIMIT 1000""",
        parameters=(("model", ""),),
        chart=ChartChoice("point", "prompt_tokens", "ttft_ms"),
    ),
    Example(
        "Longest waits for a model to load",
        """SELECT started_at, server, model, round(load_ms / 1000, 1) AS load_s
FROM v_generations
WHERE load_ms IS NOT NULL
ORDER BY load_ms DESC
LIMIT 50""",
    ),
    Example(
        "Messages that contain a word",
        """SELECT created_at, role, model, conversation_title, text
FROM v_messages
WHERE contains(lower(text), lower($word)) AND NOT trashed
ORDER BY created_at DESC
LIMIT 100""",
        parameters=(("word", "database"),),
    ),
    Example(
        "Conversations with the most tokens",
        """SELECT title, created_at, answers, models, completion_tokens
FROM v_conversations
WHERE trashed_at IS NULL
ORDER BY completion_tokens DESC
LIMIT 50""",
    ),
    Example(
        "What went wrong, by week",
        """SELECT date_trunc('week', started_at)::DATE AS week, error_kind, count(*) AS calls
FROM v_generations
WHERE error_kind IS NOT NULL
GROUP BY ALL
ORDER BY week""",
        chart=ChartChoice("bar", "week", "calls", "error_kind"),
    ),
    Example(
        "How often tools succeed",
        """SELECT tool, model, count(*) AS calls, round(100 * avg(succeeded::INTEGER), 1) AS succeeded_percent
FROM v_tool_calls
GROUP BY ALL
ORDER BY calls DESC""",
    ),
    Example(
        "Wins in votes, by model",
        """SELECT winner AS model, count(*) AS wins
FROM v_votes
WHERE winner IS NOT NULL AND voter = 'person'
GROUP BY ALL
ORDER BY wins DESC""",
        chart=ChartChoice("bar", "model", "wins"),
    ),
    Example(
        "How a conversation branched",
        """WITH RECURSIVE path AS (
    SELECT id, 0 AS depth, role, text FROM v_messages
    WHERE conversation_id = $conversation AND parent_id IS NULL
    UNION ALL
    SELECT m.id, path.depth + 1, m.role, m.text
    FROM v_messages m JOIN path ON m.parent_id = path.id
)
SELECT depth, count(*) AS alternatives FROM path GROUP BY depth ORDER BY depth""",
        parameters=(("conversation", ""),),
        chart=ChartChoice("bar", "depth", "alternatives"),
    ),
)
