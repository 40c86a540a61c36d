"""What the history page remembers between reruns, as plain data; what is looked at stands in the URL."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from apehost_core.errors import Fault
from apehost_core.history.console import ChartChoice
from apehost_core.history.listing import ListFilter
from apehost_core.history.sentinel import SeriesKey

Verb = Literal["archive", "unarchive", "trash", "restore", "tag", "untag"]
"""What is done to conversations, one or many."""


@dataclass(frozen=True, slots=True)
class Undo:
    """A change that can be taken back.

    Attributes:
        words: What was done: "Archived: 3 conversations".
        back: What takes it back.
        ids: The conversations that it changed.
        tag: The tag that was given or taken; empty for other changes.
    """

    words: str
    back: Verb
    ids: tuple[str, ...]
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the box of the SQL section, or stood there, with what belongs to it.

    Attributes:
        text: The statement.
        values: What is typed for parameters, by name.
        query: Id of the saved query that is opened; None when none is.
        chart: How the result is drawn.
        shown: Whether the result is shown as a "table" or a "chart"; None as it was.
        run: Id of the run whose result belongs to it; None where it was not run.
        ran: The statement of that run, and what its parameters had.
    """

    text: str
    values: dict[str, str] = field(default_factory=dict[str, str])
    query: str | None = None
    chart: ChartChoice | None = None
    shown: str | None = None
    run: str | None = None
    ran: tuple[str, dict[str, str]] = ("", {})


@dataclass(slots=True)
class SqlState:
    """What the SQL section remembers.

    Attributes:
        text: What stands in the box.
        values: What was typed for parameters, by name; also of those that the statement does not name any more.
        query: Id of the saved query that is opened; None when none is.
        placed: What was put into the box last and can be put there again; all else is what a person wrote.
        replaced: What a person wrote and something else took the place of, the latest last.
        taken: Id of the saved query whose name was given for another one; None when none was.
        arrived: The saved query and the statement that the URL named when they were last taken from it.
        run: Id of the run whose result is shown; None before the first.
        ran: The statement of that run, and what its parameters had.
        chart: How the result is drawn.
        refusal: Why the last action was not done.
        keep_refusal: Why it was not, where it was one of the popover that keeps queries.
        said: What the last action did.
        tiles: Of the pinned queries, by id: the run, when it was begun (seconds of a monotonic clock), and for which
            edition of the query.
    """

    text: str = ""
    values: dict[str, str] = field(default_factory=dict[str, str])
    query: str | None = None
    placed: str = ""
    replaced: list[Draft] = field(default_factory=list[Draft])
    taken: str | None = None
    arrived: tuple[str | None, str | None] = (None, None)
    run: str | None = None
    ran: tuple[str, dict[str, str]] = ("", {})
    chart: ChartChoice | None = None
    refusal: Fault | None = None
    keep_refusal: Fault | None = None
    said: str = ""
    tiles: dict[str, tuple[str, float, str]] = field(default_factory=dict[str, tuple[str, float, str]])


@dataclass(frozen=True, slots=True)
class SpeedUndo:
    """A decision about a series of the speed section that can be taken back.

    Attributes:
        words: What was decided.
        key: The series.
        what: Which decision it was.
        muted: Whether it was muted before.
        since: Since when its speed was the new normal before; None where it was not.
    """

    words: str
    key: SeriesKey
    what: Literal["mute", "accept"]
    muted: bool = False
    since: datetime | None = None


@dataclass(slots=True)
class HistoryState:
    """What the history page remembers between reruns.

    Attributes:
        refusal: Why the last action was not done; shown until the next one.
        shown: The search, or the filters, whose pages are turned; None before the first.
        listed: What the list was narrowed to; None before it was first drawn.
        undo: The last change of conversations; None when there is nothing to undo.
        picked: Ids of the conversations that are picked for what is done to many at once.
        sql: What the SQL section remembers.
        speed_undo: The last decision about a series; None when there is nothing to undo.
        all_alarms: All alarms of the speed section are drawn, however many.
        older_imports: How many past imports are listed beyond the latest.
    """

    refusal: Fault | None = None
    shown: str | None = None
    listed: ListFilter | None = None
    undo: Undo | None = None
    picked: set[str] = field(default_factory=set[str])
    sql: SqlState = field(default_factory=SqlState)
    speed_undo: SpeedUndo | None = None
    all_alarms: bool = False
    older_imports: int = 0
