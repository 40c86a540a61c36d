"""Whether the search index has what the record has: its watermark against the log of changes, and the counts."""

import duckdb

from apehost_core.history.care import Check, Problem
from apehost_core.store.search import Search

_TITLE = "The search index"
_PATIENCE_S = 2.0
_STATE = """
SELECT (SELECT count(*) FROM messages SEMI JOIN conversations c ON c.id = conversation_id),
    (SELECT count(*) FROM search_changes WHERE seq > ?)"""


def index_check(cursor: duckdb.DuckDBPyConnection, search: Search) -> Check:
    """Compare the index with the record; one that is being made, or follows behind, is not wrong."""
    progress = search.progress
    if progress.state == "rebuilding":
        return Check(_TITLE, progress.done, note=f"It is being made: {progress.done:,} of {progress.total:,} messages.")
    if progress.state == "broken":
        said = (progress.fault.title,) if progress.fault else ()
        return Check(_TITLE, 0, (Problem("The search index cannot be used", said, 1, "rebuild_index"),))
    if not search.settle(_PATIENCE_S):
        return Check(_TITLE, 0, note="It is still taking in what is new.")
    named = cursor.execute("SELECT taken FROM search_index").fetchall()
    problems: list[Problem] = []
    if len(named) != 1 or int(named[0][0]) > search.taken:
        problems.append(Problem("The record names another index than the one that is used", (), 1, "rebuild_index"))
    taken, held = search.taken, search.held
    recorded, waiting = cursor.execute(_STATE, [taken]).fetchall()[0]
    if held != recorded and not waiting and taken == search.taken:
        where = (f"{recorded:,} messages in the record, {held:,} in the index",)
        problems.append(Problem("The search does not have the messages that there are", where, 1, "rebuild_index"))
    return Check(_TITLE, int(recorded), tuple(problems))
