"""What the SQL console must not do, whatever is typed."""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from apehost_core.errors import InputRefused, StoreError
from apehost_core.store import console_functions as lists
from apehost_core.store.console import Console
from apehost_core.store.database import Database
from tests.integration.console_samples import fill

SECRET = "sk-lm-nobody-may-see-this"

FILES = [
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{secret}')",
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_csv_auto('{secret}')",
    "SELECT * FROM read_json('{secret}')",
    "SELECT * FROM read_json_auto('{secret}')",
    "SELECT * FROM read_ndjson_objects('{secret}')",
    "SELECT * FROM read_parquet('{secret}')",
    "SELECT * FROM parquet_scan('{secret}')",
    "SELECT * FROM parquet_metadata('{secret}')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM read_duckdb('{secret}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM '{secret}'",
    'SELECT * FROM "{secret}"',
    "FROM '{folder}/x.csv'",
    "SELECT * FROM 'https://192.0.2.1/x.parquet'",
    "WITH x AS (SELECT * FROM read_text('{secret}')) SELECT * FROM x",
    "SELECT (SELECT content FROM read_text('{secret}'))",
    "SELECT * FROM v_messages m, LATERAL (SELECT * FROM read_text('{secret}'))",
    "SELECT 1 UNION ALL SELECT content FROM read_text('{secret}')",
    "SELECT * FROM v_messages ORDER BY (SELECT content FROM read_text('{secret}'))",
    "COPY (SELECT 1) TO '{folder}/written.csv'",
    "COPY v_messages TO '{folder}/written.parquet'",
    "COPY messages FROM '{secret}'",
    "EXPORT DATABASE '{folder}/written'",
    "IMPORT DATABASE '{folder}'",
    "SELECT * FROM write_log('x')",
    "SELECT write_log('x')",
]
SYSTEM = [
    "ATTACH '{folder}/other.duckdb' AS other",
    "ATTACH ':memory:' AS other",
    "DETACH apehost",
    "USE memory",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL spatial FROM 'https://192.0.2.1'",
    "SET memory_limit = '100GB'",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET VARIABLE x = 1",
    "RESET memory_limit",
    "PRAGMA database_list",
    "PRAGMA enable_profiling = 'json'",
    "PRAGMA user_agent",
    "CALL pragma_version()",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "BEGIN TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "PREPARE p AS SELECT * FROM messages",
    "EXECUTE p",
    "DEALLOCATE p",
    "EXPLAIN ANALYZE SELECT * FROM messages",
    "EXPLAIN SELECT 1",
    "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "DROP SECRET s",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM which_secret('s3://x', 's3')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_databases()",
    "SELECT * FROM duckdb_tables()",
    "SELECT * FROM duckdb_columns()",
    "SELECT * FROM duckdb_views()",
    "SELECT * FROM duckdb_functions()",
    "SELECT * FROM duckdb_extensions()",
    "SELECT * FROM duckdb_logs()",
    "SELECT * FROM duckdb_temporary_files()",
    "SELECT * FROM duckdb_variables()",
    "SELECT * FROM duckdb_prepared_statements()",
    "SELECT * FROM pragma_database_size()",
    "SELECT * FROM pragma_storage_info('messages')",
    "SELECT * FROM enable_logging('QueryLog')",
    "SELECT * FROM checkpoint()",
    "SELECT * FROM duckdb_external_resources()",
    "SELECT current_setting('temp_directory')",
    "SELECT getvariable('x')",
    "SELECT getenv('HOME')",
    "SELECT version()",
    "SELECT current_query()",
    "SELECT txid_current()",
    "SELECT nextval('search_changes_seq')",
    "SELECT sleep_ms(100000)",
    "SELECT pg_sleep(100)",
    "SELECT setseed(0.5)",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "SHOW DATABASES",
    "DESCRIBE messages",
    "SUMMARIZE requests",
]
TABLES = [
    "SELECT * FROM messages",
    "SELECT * FROM MESSAGES",
    'SELECT * FROM "messages"',
    "SELECT * FROM main.messages",
    "SELECT * FROM apehost.main.messages",
    "SELECT * FROM apehost.v_messages",
    "TABLE messages",
    "FROM requests",
    "SELECT * FROM settings_audit",
    "SELECT * FROM run_events",
    "SELECT * FROM schema_migrations",
    "SELECT * FROM saved_queries",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM information_schema.schemata",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM pg_settings",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM duckdb_tables",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM v_messages JOIN messages USING (id)",
    "SELECT * FROM v_messages WHERE id IN (SELECT id FROM messages)",
    "WITH messages AS (SELECT * FROM messages) SELECT * FROM messages",
    "SELECT (WITH messages AS (SELECT 1 AS x) SELECT x FROM messages), m.* FROM messages m",
    "WITH a AS (SELECT * FROM b), b AS (SELECT 1 AS x) SELECT * FROM a",
    "WITH requests AS (SELECT 1) SELECT * FROM main.requests",
    "SELECT * FROM query('SELECT * FROM messages')",
    "SELECT * FROM query_table('messages')",
    "SELECT * FROM query_table(['messages', 'requests'])",
    "SELECT * FROM seq_scan('messages')",
    "SELECT * FROM v_messages AT (VERSION => 1)",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM messages'))",
    "SELECT json_serialize_plan('SELECT * FROM messages')",
    "SELECT * FROM duckdb_table_sample('messages')",
    "SELECT * FROM python_map_function(1)",
    "SELECT * FROM pandas_scan(1)",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM (PIVOT v_messages ON role USING count(*))",
]
CHANGES = [
    "INSERT INTO v_messages VALUES (1)",
    "INSERT INTO conversations SELECT * FROM conversations",
    "UPDATE conversations SET title = 'x'",
    "DELETE FROM messages",
    "TRUNCATE messages",
    "DROP VIEW v_messages",
    "DROP TABLE messages",
    "ALTER TABLE messages RENAME TO m",
    "CREATE TABLE t AS SELECT 1",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW v_messages AS SELECT 1",
    "CREATE MACRO m() AS TABLE SELECT * FROM messages",
    "CREATE FUNCTION f(a) AS a + 1",
    "CREATE TYPE mood AS ENUM ('a')",
    "CREATE SCHEMA s",
    "CREATE SEQUENCE s",
    "COMMENT ON VIEW v_messages IS 'x'",
    "MERGE INTO conversations USING v_messages ON true WHEN MATCHED THEN DELETE",
    "WITH x AS (DELETE FROM messages RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO tags VALUES (1, 2, 3) RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE conversations SET title = 'x' RETURNING *) SELECT * FROM x",
]
DISGUISED = [
    "SELECT 1; DELETE FROM messages",
    "SELECT 1; SELECT 2",
    "SELECT 1;;; SET memory_limit = '1GB'",
    "SELECT 1 -- harmless\n; DROP TABLE messages",
    "/* SELECT 1 */ DROP TABLE messages",
    "SELECT/**/*/**/FROM/**/messages",
    "SELECT * FROM v_messages -- \n, messages",
    "SELECT '\\'; DELETE FROM messages; --'",
    "SELECT $$x$$; DELETE FROM messages",
    "SELECT 1 AS \"a\"; COPY messages TO '{folder}/written.csv'",
    "SELECT\u00a0* FROM\u00a0messages",
    "SELECT\u3000content FROM read_text('{secret}')",
    "SELECT * FROM v_messages\0; DROP TABLE messages",
    "SELECT system.main.read_text('{secret}')",
    "SELECT '{secret}'.read_text()",
    "SELECT list_transform([1], lambda x: current_setting('temp_directory'))",
    "SELECT COLUMNS(lambda c: getenv(c)) FROM v_messages",
    "SELECT coalesce(NULL, current_setting('temp_directory'))",
    "SELECT count(*) FILTER (current_setting('x') = 'y') FROM v_messages",
    "SELECT row_number() OVER (ORDER BY current_setting('x')) FROM v_messages",
    "SELECT * FROM v_messages LIMIT (SELECT count(*) FROM messages)",
    "SELECT * FROM v_messages QUALIFY getvariable('x')",
    "SELECT * EXCLUDE (id) REPLACE (getenv('HOME') AS text) FROM v_messages",
    "SELECT CASE WHEN true THEN getenv('HOME') END",
    "SELECT list_aggregate([1], 'sum')",
    "SELECT ?",
    "SELECT $1",
    "",
    " \n\t",
    "-- nothing",
    ";",
    "SELEC 1",
    "SELECT * FROM",
    "\ud800",
]
HUGE = [
    "SELECT repeat('x', 1000000000)",
    "SELECT lpad('x', 1000000000, 'x')",
    "SELECT rpad(text, characters * 1000000, 'x') FROM v_messages",
    "SELECT replace(text, 'l', text) FROM v_messages",
    "SELECT regexp_replace(text, '.', $with, 'g') FROM v_messages",
    "SELECT format('{{:>999999999}}', 1)",
    "SELECT printf('%*d', 999999999, 1)",
    "SELECT bar(1, 0, 1, 999999999)",
    "SELECT range(100000000000)",
    "SELECT levenshtein(text, reverse(text)) FROM v_messages",
    "SELECT factorial(1000000)",
    "SELECT generate_series(1, 100000000000)",
    "SELECT list_resize([1], 10000000000)",
    "SELECT bitstring('1', 1000000000)",
    "SELECT equi_width_bins(1, 2, 1000000000, false)",
    "SELECT list_reduce(string_split(text, ''), lambda a, b: a || a) FROM v_messages",
    "SELECT list_transform(string_split(text, ''), lambda c: text) FROM v_messages",
    "SELECT " + " || ".join(["text"] * 60) + " FROM v_messages",
    "SELECT replace(replace(text, 'a', 'bbbbbbbbbb'), 'b', 'cccccccccc') FROM v_messages",
    "SELECT " + "(" * 3000 + "1" + ")" * 3000,
    "SELECT " + "-" + " -" * 3000 + "1",
    "SELECT * FROM v_messages" + ", v_messages" * 100,
    "SELECT '" + "x" * 30_000 + "'",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder, with a file that has a secret."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "servers.json").write_text(SECRET)
    return folder


@pytest.fixture(scope="module")
def kept(folder: Path) -> Any:
    """An open database that has something in it."""
    database = Database.open(folder / "apehost.duckdb")
    fill(database)
    yield database
    database.close()


@pytest.fixture(scope="module")
def console(kept: Database) -> Generator[Console, None, None]:
    """The console over it."""
    with closing(Console(kept)) as console:
        yield console


@pytest.mark.parametrize("sql", [*FILES, *SYSTEM, *TABLES, *CHANGES, *DISGUISED, *HUGE])
def test_hostile_statement_is_refused(console: Console, kept: Database, folder: Path, sql: str) -> None:
    """It is refused before it runs, by a fault that neither quotes a secret nor where the data is."""
    before = counts(kept)
    with pytest.raises(InputRefused) as raised:
        console.run(sql.format(secret=folder / "servers.json", folder=folder), {"with": "x" * 1000})
    assert SECRET not in str(raised.value)
    assert counts(kept) == before
    assert not list(folder.glob("written*"))


@pytest.mark.parametrize("sql", ["SELECT * FROM nothing", "SELECT nope FROM v_messages", "SELECT 'x'::INTEGER"])
def test_refusals_do_not_say_where_the_data_is(console: Console, folder: Path, sql: str) -> None:
    """An ordinary mistake is answered without a path."""
    with pytest.raises(InputRefused) as raised:
        console.run(sql, {})
    assert str(folder) not in str(raised.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM glob('{folder}/*')",
        "ATTACH '{folder}/other.duckdb' AS other",
        "COPY (SELECT 1) TO '{folder}/written.csv'",
        "COPY (SELECT 1) TO '{folder}/outbox/../written.csv'",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET memory_limit = '100GB'",
        "SET lock_configuration = false",
        "SET temp_directory = '{folder}'",
        "RESET lock_configuration",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    ],
)
def test_the_database_itself_reaches_nothing_else(kept: Database, folder: Path, sql: str) -> None:
    """What would slip past the guard is refused by DuckDB: it is opened without access to other files."""
    with pytest.raises(StoreError), kept.read() as cursor:
        cursor.execute(sql.format(secret=folder / "servers.json", folder=folder)).fetchall()
    assert not list(folder.glob("written*"))


def test_the_list_of_functions_is_looked_through() -> None:
    """Every function that may be called is one that DuckDB has, or one that its parser makes into another."""
    from_parser = {"->", "coalesce", "current_time", "current_timestamp", "grouping", "grouping_id", "ifnull"}
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT function_name FROM duckdb_functions()").fetchall()
    known = {name.lower() for (name,) in rows}
    named = lists.ALLOWED | lists.GROWING | lists.TABLES | lists.SMALL_NUMBERS.keys() | lists.SMALL_TEXTS.keys()
    assert named - known == from_parser


def counts(database: Database) -> list[Any]:
    """How many rows the tables have that statements here are after."""
    tables = ("conversations", "messages", "generations", "tags", "requests", "schema_migrations")
    with database.read() as cursor:
        return [cursor.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables]
