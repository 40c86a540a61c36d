"""A database with something to ask about."""

from apehost_core.store.database import Database
from apehost_core.store.transaction import Transaction

CONVERSATIONS = """
INSERT INTO conversations (id, title, title_source, created_at, updated_at)
SELECT uuidv7(), 'Chat ' || i, 'prompt', TIMESTAMPTZ '2026-11-01', TIMESTAMPTZ '2026-11-02' FROM range(10) t(i)"""
MESSAGES = """
INSERT INTO messages (id, conversation_id, role, parts, text, created_at)
SELECT
    uuidv7(), (SELECT min(id) FROM conversations), CASE WHEN i % 2 = 0 THEN 'user' ELSE 'assistant' END,
    '[{"type":"reasoning","text":"Hm.","seconds":1.0},{"type":"text","text":"Hello"}]',
    repeat('Hello ', 20), TIMESTAMPTZ '2026-11-01' + i * INTERVAL 1 minute
FROM range(3000) t(i)"""
GENERATIONS = """
INSERT INTO generations (
    id, run_id, started_at, server, model_asked, quantisation, sampling, prompt_parts, prompt_hash, prompt_tokens,
    prompt_tokens_estimated, completion_tokens, completion_tokens_estimated, outcome, first_visible_ms, last_token_ms,
    total_ms, warnings
)
SELECT
    uuidv7(), uuidv7(), TIMESTAMPTZ '2026-11-01' + i * INTERVAL 1 hour, 'desk', 'model-' || (i % 3), 'Q4_K_M',
    '{"temperature":0.5}', '[]', '', 100 + i, false, 101, false, 'completed', 100.0, 1100.0, 1200.0, '[]'
FROM range(300) t(i)"""


def fill(database: Database) -> None:
    """Write 10 conversations, 3,000 messages in the first of them, and 300 model calls of three models."""

    def write(transaction: Transaction) -> None:
        for statement in (CONVERSATIONS, MESSAGES, GENERATIONS):
            transaction.execute(statement, [])

    database.write(write)
