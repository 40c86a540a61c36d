"""The parser's process, started by `console_parser` only. Run as a file, so that it imports nothing else of ours.

It reads a statement a line, as a JSON text, and answers with a line of JSON: the tree that DuckDB's parser makes of it,
or null. When its standard input ends it ends too.
"""

import json
import sys

import duckdb

_MOST_BYTES = 2_000_000_000
_SETTINGS = ("enable_external_access = false", "lock_configuration = true")


def serve() -> None:
    """Answer until the standard input ends."""
    _limit_memory()
    with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "200MB"}) as connection:
        for setting in _SETTINGS:
            connection.execute(f"SET {setting}")
        _say("true")
        for line in sys.stdin:
            try:
                rows = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [json.loads(line)]).fetchall()
            except duckdb.Error:
                _say("null")
            else:
                _say(str(rows[0][0]))


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 -- not everywhere

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
