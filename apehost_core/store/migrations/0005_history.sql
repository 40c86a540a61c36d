-- History: imports, the search index's change log, saved queries, settings kept in the file.

DROP VIEW v_generations;  -- made again in 0006

ALTER TABLE conversations ADD COLUMN archived_at TIMESTAMPTZ;
ALTER TABLE conversations ADD COLUMN origin_id TEXT;         -- the conversation's id in the program it came from
ALTER TABLE conversations ADD COLUMN origin_hash TEXT;       -- sha256 of each state of it that was imported, hex
ALTER TABLE conversations ADD COLUMN import_id UUID;         -- the import that made it; NULL for chats of this program

ALTER TABLE messages ADD COLUMN origin_id TEXT;              -- the message's id in the program it came from
ALTER TABLE messages ADD COLUMN import_id UUID;
ALTER TABLE messages ADD COLUMN time_source TEXT;            -- NULL as it happened here, else stated, interpolated or unknown
ALTER TABLE messages ADD COLUMN hidden BOOLEAN;              -- the other program did not show it
ALTER TABLE messages ADD COLUMN rating INTEGER;              -- 1 or -1 as the person voted in the other program

ALTER TABLE generations ADD COLUMN import_id UUID;           -- NULL: measured here; else timings are what another program said
ALTER TABLE generations ALTER COLUMN run_id DROP NOT NULL;   -- imported calls belong to no run

ALTER TABLE tool_calls ADD COLUMN import_id UUID;
ALTER TABLE tool_calls ALTER COLUMN run_id DROP NOT NULL;
ALTER TABLE tool_calls ALTER COLUMN started_at DROP NOT NULL;

CREATE TABLE imports (
    id UUID NOT NULL,
    imported_at TIMESTAMPTZ NOT NULL,
    format TEXT NOT NULL,
    name TEXT NOT NULL,                  -- of the file or folder, without its path
    added INTEGER NOT NULL,              -- conversations
    changed INTEGER NOT NULL,
    unreadable INTEGER NOT NULL,
    report TEXT NOT NULL,                -- JSON object
    undone_at TIMESTAMPTZ,
    watched BOOLEAN                      -- it came by itself, from the folder that is watched
);

-- Imported conversations that a person has removed for good: the folder that is watched does not bring them again.
CREATE TABLE import_gone (
    origin TEXT NOT NULL,
    origin_id TEXT NOT NULL,
    gone_at TIMESTAMPTZ NOT NULL
);

-- What a conversation was before an import changed it, so that the import can be undone.
CREATE TABLE import_changes (
    import_id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    before TEXT NOT NULL                 -- JSON object of the columns that were changed
);

-- What the search index has still to take in, in the order of the commits.
CREATE SEQUENCE search_changes_seq;

CREATE TABLE search_changes (
    seq BIGINT NOT NULL DEFAULT nextval('search_changes_seq'),
    kind TEXT NOT NULL,                  -- message, conversation or gone
    id UUID NOT NULL                     -- of the message, or of the conversation
);

-- One row for the index on disk. The index holds the same, so that each can tell whether it fits the other.
CREATE TABLE search_index (
    id UUID NOT NULL,                    -- made anew with every rebuild
    taken BIGINT NOT NULL,               -- the last change that the index has taken in
    schema TEXT NOT NULL                 -- which edition of the index this is
);

CREATE TABLE saved_queries (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    sql TEXT NOT NULL,
    parameters TEXT NOT NULL,            -- JSON object of the last values
    chart TEXT,                          -- JSON object; NULL draws a table
    pinned_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

-- Settings that belong to the data, not to the machine.
CREATE TABLE kept_settings (
    name TEXT NOT NULL,
    value TEXT NOT NULL,                 -- JSON
    updated_at TIMESTAMPTZ NOT NULL
);
