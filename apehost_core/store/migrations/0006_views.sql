-- The views of the SQL console. Their names and columns stay as they are from one release to the next: people save
-- queries over them. Columns are only added. What is looked up for a column is joined as a grouped subquery, which
-- DuckDB leaves out of a query that does not name the column.

CREATE VIEW v_generations AS
SELECT
    g.id, g.run_id, g.message_id, g.conversation_id, g.started_at, g.server, g.model_asked, g.model_answered,
    CASE
        WHEN g.model_answered = g.model_asked THEN g.model_asked
        WHEN lower(split_part(split_part(g.model_answered, '@', 1), ':', 1)) <> lower(split_part(split_part(g.model_asked, '@', 1), ':', 1))
        THEN g.model_answered ELSE g.model_asked
    END AS model,
    g.quantisation, g.runtime,
    r.kind AS run_kind,
    CASE WHEN g.import_id IS NULL THEN 'measured' ELSE 'imported' END AS source,
    g.outcome, g.finish_reason,
    g.fault ->> 'kind' AS error_kind,
    g.fault ->> 'title' AS error,
    g.cold, g.prompt_tokens, g.prompt_tokens_estimated, g.completion_tokens, g.completion_tokens_estimated,
    g.reasoning_tokens, g.cached_tokens, g.visible_chars, g.queued_ms, g.load_ms, g.connect_ms, g.headers_ms,
    g.first_byte_ms, g.first_reasoning_ms, g.first_visible_ms,
    least(g.first_reasoning_ms, g.first_visible_ms) AS ttft_ms,
    g.last_token_ms, g.total_ms,
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
    g.server_ttft_ms, g.server_prompt_tok_s, g.server_decode_tok_s, g.server_load_ms,
    g.sampling, g.prompt_hash, g.tool_schema_hash, g.warnings, g.fault,
    r.comparison_id, r.cell, g.import_id,
    c.title AS conversation_title
FROM generations g
LEFT JOIN (
    SELECT id, any_value(kind) AS kind, any_value(comparison_id) AS comparison_id, any_value(cell) AS cell
    FROM runs GROUP BY id
) r ON r.id = g.run_id
LEFT JOIN (SELECT id, any_value(title) AS title FROM conversations GROUP BY id) c ON c.id = g.conversation_id;

COMMENT ON VIEW v_generations IS
    'Model calls, one row each: who was asked, what it cost and how fast it was. Times are milliseconds after the request was sent.';
COMMENT ON COLUMN v_generations.id IS 'Id of the call; sorts by time';
COMMENT ON COLUMN v_generations.run_id IS 'Run it belongs to, see v_runs; empty for imported calls';
COMMENT ON COLUMN v_generations.message_id IS 'Message it wrote, see v_messages; empty when it wrote none';
COMMENT ON COLUMN v_generations.conversation_id IS 'Conversation it belongs to, see v_conversations; empty outside of chats';
COMMENT ON COLUMN v_generations.started_at IS 'When it was sent, UTC';
COMMENT ON COLUMN v_generations.server IS 'Name of the server';
COMMENT ON COLUMN v_generations.model_asked IS 'Model that was asked for';
COMMENT ON COLUMN v_generations.model_answered IS 'Model that the server says has answered; empty when it does not say';
COMMENT ON COLUMN v_generations.model IS 'Model that was asked for; where another one answered, that one';
COMMENT ON COLUMN v_generations.quantisation IS 'Quantisation as the server lists it; empty when not told';
COMMENT ON COLUMN v_generations.runtime IS 'Engine and its version; empty when not told';
COMMENT ON COLUMN v_generations.run_kind IS 'What it was for: chat, title, agent, compare or replay; empty for imported calls';
COMMENT ON COLUMN v_generations.source IS 'measured here, or imported: then its times are what another program said';
COMMENT ON COLUMN v_generations.outcome IS 'How it ended: completed, length, failed, cancelled or interrupted';
COMMENT ON COLUMN v_generations.finish_reason IS 'Why the server stopped: stop, length, tool_calls, ...; empty when not told';
COMMENT ON COLUMN v_generations.error_kind IS 'What kind of error it ended with; empty when it did not fail';
COMMENT ON COLUMN v_generations.error IS 'The error in words; empty when it did not fail';
COMMENT ON COLUMN v_generations.cold IS 'Whether the model was loaded for this call; empty when unknown';
COMMENT ON COLUMN v_generations.prompt_tokens IS 'Tokens of the prompt';
COMMENT ON COLUMN v_generations.prompt_tokens_estimated IS 'Whether prompt_tokens is a guess, because the server did not count';
COMMENT ON COLUMN v_generations.completion_tokens IS 'Tokens of the answer, reasoning included';
COMMENT ON COLUMN v_generations.completion_tokens_estimated IS 'Whether completion_tokens is a guess, because the server did not count';
COMMENT ON COLUMN v_generations.reasoning_tokens IS 'Tokens of the reasoning; empty when not told';
COMMENT ON COLUMN v_generations.cached_tokens IS 'Tokens of the prompt that the server had read before; empty when not told';
COMMENT ON COLUMN v_generations.visible_chars IS 'Characters of the visible answer';
COMMENT ON COLUMN v_generations.queued_ms IS 'Wait before it was sent: for its turn and for the model to be loaded';
COMMENT ON COLUMN v_generations.load_ms IS 'Wait for the model to be loaded; part of queued_ms';
COMMENT ON COLUMN v_generations.connect_ms IS 'A new connection stood; empty when one was reused';
COMMENT ON COLUMN v_generations.headers_ms IS 'The first line of the answer was there';
COMMENT ON COLUMN v_generations.first_byte_ms IS 'The first byte of the body was there';
COMMENT ON COLUMN v_generations.first_reasoning_ms IS 'The first reasoning token was there';
COMMENT ON COLUMN v_generations.first_visible_ms IS 'The first visible token was there';
COMMENT ON COLUMN v_generations.ttft_ms IS 'Time to first token, reasoning or visible, as measured here';
COMMENT ON COLUMN v_generations.last_token_ms IS 'The last token was there';
COMMENT ON COLUMN v_generations.total_ms IS 'All of the call, from the start of its turn';
COMMENT ON COLUMN v_generations.decode_tok_s IS 'Tokens a second from the first to the last token, as measured here';
COMMENT ON COLUMN v_generations.prompt_tok_s IS 'Uncached prompt tokens a second up to the first token, as measured here; a lower bound';
COMMENT ON COLUMN v_generations.server_ttft_ms IS 'Time to first token as the server, or the program of an import, says it';
COMMENT ON COLUMN v_generations.server_prompt_tok_s IS 'Prompt tokens a second as the server says it';
COMMENT ON COLUMN v_generations.server_decode_tok_s IS 'Answer tokens a second as the server, or the program of an import, says it';
COMMENT ON COLUMN v_generations.server_load_ms IS 'Time of the load as the server says it';
COMMENT ON COLUMN v_generations.sampling IS 'Sampling settings that were set, as a JSON object: sampling ->> ''temperature''';
COMMENT ON COLUMN v_generations.prompt_hash IS 'SHA-256 of all messages sent: equal prompts have equal ones; empty for imported calls';
COMMENT ON COLUMN v_generations.tool_schema_hash IS 'SHA-256 of the tools that were offered; empty without tools';
COMMENT ON COLUMN v_generations.warnings IS 'Oddities that were tolerated, as a JSON array of texts';
COMMENT ON COLUMN v_generations.fault IS 'All that is known of the error, as a JSON object';
COMMENT ON COLUMN v_generations.comparison_id IS 'Comparison it belongs to, see v_comparisons';
COMMENT ON COLUMN v_generations.cell IS 'Number of the cell in the plan of its comparison';
COMMENT ON COLUMN v_generations.import_id IS 'Import that brought it, see v_imports; empty when it was measured here';
COMMENT ON COLUMN v_generations.conversation_title IS 'Title of its conversation';

CREATE VIEW v_conversations AS
SELECT
    c.id, c.title, c.created_at, c.updated_at,
    coalesce(m.messages, 0) AS messages,
    coalesce(m.questions, 0) AS questions,
    coalesce(m.answers, 0) AS answers,
    coalesce(g.calls, 0) AS calls,
    g.prompt_tokens, g.completion_tokens, g.models,
    coalesce(t.tags, []) AS tags,
    CASE WHEN c.import_id IS NULL THEN 'here' ELSE 'imported' END AS source,
    c.origin, c.import_id, c.archived_at, c.trashed_at
FROM conversations c
LEFT JOIN (
    SELECT
        conversation_id, count(*) AS messages, count(*) FILTER (role = 'user') AS questions,
        count(*) FILTER (role = 'assistant') AS answers
    FROM messages GROUP BY conversation_id
) m ON m.conversation_id = c.id
LEFT JOIN (
    SELECT
        conversation_id, count(*) AS calls, sum(prompt_tokens)::BIGINT AS prompt_tokens,
        sum(completion_tokens)::BIGINT AS completion_tokens,
        list_sort(list(DISTINCT CASE
            WHEN model_answered = model_asked THEN model_asked
            WHEN lower(split_part(split_part(model_answered, '@', 1), ':', 1)) <> lower(split_part(split_part(model_asked, '@', 1), ':', 1))
            THEN model_answered ELSE model_asked
        END)) AS models
    FROM generations GROUP BY conversation_id
) g ON g.conversation_id = c.id
LEFT JOIN (
    SELECT conversation_id, list_sort(list(DISTINCT tag)) AS tags FROM tags GROUP BY conversation_id
) t ON t.conversation_id = c.id;

COMMENT ON VIEW v_conversations IS 'Conversations, one row each, those of the archive and of the trash among them.';
COMMENT ON COLUMN v_conversations.id IS 'Id of the conversation';
COMMENT ON COLUMN v_conversations.title IS 'Title';
COMMENT ON COLUMN v_conversations.created_at IS 'When it began, UTC';
COMMENT ON COLUMN v_conversations.updated_at IS 'When it was last written in, UTC';
COMMENT ON COLUMN v_conversations.messages IS 'Messages in all branches';
COMMENT ON COLUMN v_conversations.questions IS 'Messages of the person';
COMMENT ON COLUMN v_conversations.answers IS 'Messages of models';
COMMENT ON COLUMN v_conversations.calls IS 'Model calls, those that only name the chat among them';
COMMENT ON COLUMN v_conversations.prompt_tokens IS 'Prompt tokens of all its calls; empty when none is known';
COMMENT ON COLUMN v_conversations.completion_tokens IS 'Answer tokens of all its calls; empty when none is known';
COMMENT ON COLUMN v_conversations.models IS 'List of the models that were called';
COMMENT ON COLUMN v_conversations.tags IS 'List of its tags';
COMMENT ON COLUMN v_conversations.source IS 'here or imported';
COMMENT ON COLUMN v_conversations.origin IS 'Program that an imported conversation comes from; empty for chats of this one';
COMMENT ON COLUMN v_conversations.import_id IS 'Import that brought it, see v_imports';
COMMENT ON COLUMN v_conversations.archived_at IS 'When it went into the archive; empty when it is not there';
COMMENT ON COLUMN v_conversations.trashed_at IS 'When it went into the trash; empty when it is not there';

CREATE VIEW v_messages AS
SELECT
    m.id, m.conversation_id, m.parent_id, m.role, m.text,
    CASE WHEN contains(m.parts, '"reasoning"') THEN nullif(array_to_string(list_transform(
        list_filter(from_json(m.parts, '[{"type":"VARCHAR","text":"VARCHAR"}]'), lambda part: part.type = 'reasoning'),
        lambda part: part.text
    ), ''), '') END AS reasoning,
    length(m.text) AS characters,
    len(list_filter(json_extract_string(m.parts, '$[*].type'), lambda kind: kind = 'image')) AS images,
    len(list_filter(json_extract_string(m.parts, '$[*].type'), lambda kind: kind = 'tool_call')) AS tool_calls,
    m.created_at,
    coalesce(m.time_source, 'measured') AS time_source,
    g.server, g.model, g.quantisation, m.run_id,
    CASE WHEN m.import_id IS NULL THEN 'here' ELSE 'imported' END AS source,
    m.import_id,
    coalesce(m.hidden, false) AS hidden,
    c.title AS conversation_title,
    c.archived_at IS NOT NULL AS archived,
    c.trashed_at IS NOT NULL AS trashed
FROM messages m
LEFT JOIN (
    SELECT
        message_id, arg_max(server, id) AS server, arg_max(CASE
            WHEN model_answered = model_asked THEN model_asked
            WHEN lower(split_part(split_part(model_answered, '@', 1), ':', 1)) <> lower(split_part(split_part(model_asked, '@', 1), ':', 1))
            THEN model_answered ELSE model_asked
        END, id) AS model,
        arg_max_null(quantisation, id) AS quantisation
    FROM generations WHERE message_id IS NOT NULL GROUP BY message_id
) g ON g.message_id = m.id
LEFT JOIN (
    SELECT
        id, any_value(title) AS title, any_value(archived_at) AS archived_at, any_value(trashed_at) AS trashed_at
    FROM conversations GROUP BY id
) c ON c.id = m.conversation_id;

COMMENT ON VIEW v_messages IS 'Messages of all conversations and all their branches, one row each.';
COMMENT ON COLUMN v_messages.id IS 'Id of the message';
COMMENT ON COLUMN v_messages.conversation_id IS 'Conversation it belongs to, see v_conversations';
COMMENT ON COLUMN v_messages.parent_id IS 'Message before it; messages with the same one are alternatives; empty for the first';
COMMENT ON COLUMN v_messages.role IS 'Who speaks: system, user, assistant or tool';
COMMENT ON COLUMN v_messages.text IS 'The visible text';
COMMENT ON COLUMN v_messages.reasoning IS 'What the model thought before; empty when it did not';
COMMENT ON COLUMN v_messages.characters IS 'Characters of the visible text';
COMMENT ON COLUMN v_messages.images IS 'How many images it holds';
COMMENT ON COLUMN v_messages.tool_calls IS 'How many tool calls the model asks for in it';
COMMENT ON COLUMN v_messages.created_at IS 'When it was written, UTC';
COMMENT ON COLUMN v_messages.time_source IS 'How that time is known: measured, stated, interpolated or unknown (then it is the conversation''s)';
COMMENT ON COLUMN v_messages.server IS 'Server that wrote it; empty for what people wrote';
COMMENT ON COLUMN v_messages.model IS 'Model that wrote it; empty for what people wrote';
COMMENT ON COLUMN v_messages.quantisation IS 'Quantisation of that model; empty when not told';
COMMENT ON COLUMN v_messages.run_id IS 'Run that wrote it, see v_runs; empty for what people wrote and for imports';
COMMENT ON COLUMN v_messages.source IS 'here or imported';
COMMENT ON COLUMN v_messages.import_id IS 'Import that brought it, see v_imports';
COMMENT ON COLUMN v_messages.hidden IS 'Whether the program that it was imported from did not show it';
COMMENT ON COLUMN v_messages.conversation_title IS 'Title of its conversation';
COMMENT ON COLUMN v_messages.archived IS 'Whether its conversation is in the archive';
COMMENT ON COLUMN v_messages.trashed IS 'Whether its conversation is in the trash';

CREATE VIEW v_tool_calls AS
SELECT
    t.id, t.run_id, t.generation_id, t.message_id, t.call_id, t.tool, t.source AS tool_source, t.arguments,
    coalesce(CASE WHEN json_valid(t.arguments) THEN json_type(t.arguments) = 'OBJECT' END, false) AS arguments_valid,
    t.result,
    CASE WHEN t.error_kind IS NOT NULL THEN false WHEN t.result IS NOT NULL THEN true END AS succeeded,
    t.error_kind, t.approval, t.started_at, t.duration_ms,
    g.server, g.model, g.quantisation, g.conversation_id,
    CASE WHEN t.import_id IS NULL THEN 'measured' ELSE 'imported' END AS source,
    t.import_id
FROM tool_calls t
LEFT JOIN (
    SELECT
        id, any_value(server) AS server, any_value(CASE
            WHEN model_answered = model_asked THEN model_asked
            WHEN lower(split_part(split_part(model_answered, '@', 1), ':', 1)) <> lower(split_part(split_part(model_asked, '@', 1), ':', 1))
            THEN model_answered ELSE model_asked
        END) AS model,
        any_value(quantisation) AS quantisation, any_value(conversation_id) AS conversation_id
    FROM generations WHERE id IN (SELECT generation_id FROM tool_calls) GROUP BY id
) g ON g.id = t.generation_id;

COMMENT ON VIEW v_tool_calls IS 'Calls of tools, one row each: what the model wanted, and what came of it.';
COMMENT ON COLUMN v_tool_calls.id IS 'Id of the tool call';
COMMENT ON COLUMN v_tool_calls.run_id IS 'Run it belongs to, see v_runs; empty for imported calls';
COMMENT ON COLUMN v_tool_calls.generation_id IS 'Model call that asked for it, see v_generations';
COMMENT ON COLUMN v_tool_calls.message_id IS 'Message it stands in, see v_messages';
COMMENT ON COLUMN v_tool_calls.call_id IS 'The server''s id of the call; unique only within its message';
COMMENT ON COLUMN v_tool_calls.tool IS 'Name of the tool as the model wrote it';
COMMENT ON COLUMN v_tool_calls.tool_source IS 'Where the tool comes from';
COMMENT ON COLUMN v_tool_calls.arguments IS 'Arguments as the model wrote them';
COMMENT ON COLUMN v_tool_calls.arguments_valid IS 'Whether the arguments are a JSON object';
COMMENT ON COLUMN v_tool_calls.result IS 'What the tool gave back; empty when it gave nothing';
COMMENT ON COLUMN v_tool_calls.succeeded IS 'Whether it ended well; empty when unknown';
COMMENT ON COLUMN v_tool_calls.error_kind IS 'What kind of error it ended with; empty when it did not fail';
COMMENT ON COLUMN v_tool_calls.approval IS 'What the person said when asked; empty when not asked';
COMMENT ON COLUMN v_tool_calls.started_at IS 'When it was called, UTC; empty when unknown';
COMMENT ON COLUMN v_tool_calls.duration_ms IS 'How long it took; empty when unknown';
COMMENT ON COLUMN v_tool_calls.server IS 'Server of the model that asked for it';
COMMENT ON COLUMN v_tool_calls.model IS 'Model that asked for it';
COMMENT ON COLUMN v_tool_calls.quantisation IS 'Quantisation of that model; empty when not told';
COMMENT ON COLUMN v_tool_calls.conversation_id IS 'Conversation it belongs to, see v_conversations';
COMMENT ON COLUMN v_tool_calls.source IS 'measured here or imported';
COMMENT ON COLUMN v_tool_calls.import_id IS 'Import that brought it, see v_imports';

CREATE VIEW v_runs AS
SELECT
    id, kind, parent_run_id, conversation_id, parent_message_id, message_id, comparison_id, cell, server, model,
    started_at, finished_at,
    epoch_ms(finished_at) / 1000.0 - epoch_ms(started_at) / 1000.0 AS seconds,
    outcome,
    fault ->> 'kind' AS error_kind,
    fault ->> 'title' AS error
FROM runs;

COMMENT ON VIEW v_runs IS 'Runs, one row each: a run is everything that one press of a button set going.';
COMMENT ON COLUMN v_runs.id IS 'Id of the run';
COMMENT ON COLUMN v_runs.kind IS 'What it is for: chat, title, agent, compare or replay';
COMMENT ON COLUMN v_runs.parent_run_id IS 'Run that started it; empty when a person did';
COMMENT ON COLUMN v_runs.conversation_id IS 'Conversation it belongs to, see v_conversations';
COMMENT ON COLUMN v_runs.parent_message_id IS 'Message that it answers, see v_messages';
COMMENT ON COLUMN v_runs.message_id IS 'Message that it wrote, see v_messages';
COMMENT ON COLUMN v_runs.comparison_id IS 'Comparison it belongs to, see v_comparisons';
COMMENT ON COLUMN v_runs.cell IS 'Number of the cell in the plan of its comparison';
COMMENT ON COLUMN v_runs.server IS 'Server that was asked first';
COMMENT ON COLUMN v_runs.model IS 'Model that was asked for';
COMMENT ON COLUMN v_runs.started_at IS 'When it began, UTC';
COMMENT ON COLUMN v_runs.finished_at IS 'When it ended, UTC; empty while it lives';
COMMENT ON COLUMN v_runs.seconds IS 'How long it took; empty while it lives';
COMMENT ON COLUMN v_runs.outcome IS 'How it ended; empty while it lives';
COMMENT ON COLUMN v_runs.error_kind IS 'What kind of error it ended with; empty when it did not fail';
COMMENT ON COLUMN v_runs.error IS 'The error in words; empty when it did not fail';

CREATE VIEW v_comparisons AS
SELECT
    c.id, c.title, c.created_at, c.state, c.mode, c.contenders, c.prompts,
    coalesce(r.attempts, 0) AS attempts,
    c.rerun_of, c.trashed_at
FROM comparisons c
LEFT JOIN (
    SELECT comparison_id, count(*) AS attempts FROM runs WHERE cell IS NOT NULL GROUP BY comparison_id
) r ON r.comparison_id = c.id;

COMMENT ON VIEW v_comparisons IS 'Comparisons, one row each. Their model calls stand in v_generations, by comparison_id and cell.';
COMMENT ON COLUMN v_comparisons.id IS 'Id of the comparison';
COMMENT ON COLUMN v_comparisons.title IS 'Title';
COMMENT ON COLUMN v_comparisons.created_at IS 'When it was made, UTC';
COMMENT ON COLUMN v_comparisons.state IS 'How far it is: planned, running, pausing, paused, finished or failed';
COMMENT ON COLUMN v_comparisons.mode IS 'side_by_side (for reading) or benchmark (for measuring)';
COMMENT ON COLUMN v_comparisons.contenders IS 'How many models are compared';
COMMENT ON COLUMN v_comparisons.prompts IS 'How many prompts each is asked';
COMMENT ON COLUMN v_comparisons.attempts IS 'How many requests were tried';
COMMENT ON COLUMN v_comparisons.rerun_of IS 'Comparison that it asks again; empty when it is the first of its kind';
COMMENT ON COLUMN v_comparisons.trashed_at IS 'When it went into the trash; empty when it is not there';

CREATE VIEW v_votes AS
SELECT
    v.id, v.comparison_id, v.left_cell, v.right_cell, v.left_model, v.left_quantisation, v.right_model,
    v.right_quantisation, v.verdict,
    CASE v.verdict WHEN 'left' THEN v.left_model WHEN 'right' THEN v.right_model END AS winner,
    v.blind, v.voter, v.judge, v.topic, v.created_at
FROM votes v
JOIN comparisons c ON c.id = v.comparison_id AND c.trashed_at IS NULL
WHERE v.id NOT IN (SELECT vote_id FROM vote_removals);

COMMENT ON VIEW v_votes IS 'Votes on pairs of answers, one row each, without those that were taken back or whose comparison is in the trash.';
COMMENT ON COLUMN v_votes.id IS 'Id of the vote';
COMMENT ON COLUMN v_votes.comparison_id IS 'Comparison it belongs to, see v_comparisons';
COMMENT ON COLUMN v_votes.left_cell IS 'Cell of the answer on the left';
COMMENT ON COLUMN v_votes.right_cell IS 'Cell of the answer on the right';
COMMENT ON COLUMN v_votes.left_model IS 'Model on the left, in lower case';
COMMENT ON COLUMN v_votes.left_quantisation IS 'Its quantisation; empty when not told';
COMMENT ON COLUMN v_votes.right_model IS 'Model on the right, in lower case';
COMMENT ON COLUMN v_votes.right_quantisation IS 'Its quantisation; empty when not told';
COMMENT ON COLUMN v_votes.verdict IS 'left, right, tie or both_bad';
COMMENT ON COLUMN v_votes.winner IS 'Model that won; empty when none did';
COMMENT ON COLUMN v_votes.blind IS 'Whether the voter did not see which model was which';
COMMENT ON COLUMN v_votes.voter IS 'person or judge';
COMMENT ON COLUMN v_votes.judge IS 'Model that judged; empty when a person did';
COMMENT ON COLUMN v_votes.topic IS 'Topic of the prompt; empty when it has none';
COMMENT ON COLUMN v_votes.created_at IS 'When it was given, UTC';

CREATE VIEW v_imports AS
SELECT id, imported_at, format, name, added, changed, unreadable, undone_at FROM imports;

COMMENT ON VIEW v_imports IS 'Imports from other programs, one row each.';
COMMENT ON COLUMN v_imports.id IS 'Id of the import';
COMMENT ON COLUMN v_imports.imported_at IS 'When it was done, UTC';
COMMENT ON COLUMN v_imports.format IS 'Program that the file comes from';
COMMENT ON COLUMN v_imports.name IS 'Name of the file or folder';
COMMENT ON COLUMN v_imports.added IS 'Conversations that were new';
COMMENT ON COLUMN v_imports.changed IS 'Conversations that had grown since the last import';
COMMENT ON COLUMN v_imports.unreadable IS 'Conversations that could not be read';
COMMENT ON COLUMN v_imports.undone_at IS 'When it was undone, UTC; empty when it was not';

CREATE VIEW v_tags AS
SELECT conversation_id, tag, created_at FROM tags;

COMMENT ON VIEW v_tags IS 'Tags of conversations, one row for each conversation and tag.';
COMMENT ON COLUMN v_tags.conversation_id IS 'Conversation that has the tag, see v_conversations';
COMMENT ON COLUMN v_tags.tag IS 'The tag';
COMMENT ON COLUMN v_tags.created_at IS 'When it was given, UTC';
