"""How the care of the record is said. Pure functions; no Markdown."""

from apehost_core.compare.numbers import counted, percent
from apehost_core.history.care import (
    Applied,
    Backup,
    CareJob,
    Check,
    Folded,
    Integrity,
    Preview,
    Problem,
    Remedy,
    Repaired,
    RuleName,
    Sizes,
    SwapOrder,
    SwapOutcome,
    Touched,
    Work,
)
from apehost_ui.words import duration, moment, size

_WORKING: dict[Work, str] = {
    "backup": "Making a backup",
    "restore": "Reading the backup to its end",
    "check": "Checking the record",
    "preview": "Counting what the rules touch",
    "apply": "Applying the rules",
    "fold": "Tidying the file",
    "repair": "Selecting other messages, and checking again",
}
_TOUCHED: dict[RuleName, tuple[str, str]] = {
    "logs": ("event log", "deleted"),
    "bodies": ("request body", "deleted"),
    "archive": ("chat", "archived"),
    "trash": ("chat", "put in the trash"),
    "emptied": ("thing in the trash", "deleted for good"),
}
_PLURALS = {"request body": "request bodies", "thing in the trash": "things in the trash"}
REMEDIES: dict[Remedy, str] = {
    "rebuild_index": "The index can be made anew; nothing of the record is touched.",
    "select_newest": "The newest message of each of these chats can be selected instead.",
    "restore": "Make a backup of what can be read, and restore an older one if you miss something.",
}
TABLES = {
    "conversations": "Chats",
    "messages": "Messages",
    "runs": "Runs",
    "run_events": "Event logs of runs",
    "generations": "Model calls and their timings",
    "requests": "Bodies of requests",
    "prompt_messages": "Messages as they were sent",
    "tool_calls": "Tool calls",
    "comparisons": "Comparisons",
    "votes": "Votes",
    "vote_removals": "Votes taken back",
    "imports": "Imports",
    "import_changes": "What imports changed",
    "search_changes": "What the search has still to take in",
    "search_index": "Which search index belongs here",
    "saved_queries": "Saved queries",
    "kept_settings": "Settings kept here",
    "tags": "Tags",
    "servers": "Servers that were seen",
    "settings_audit": "Changes of settings",
    "profiles": "Profiles",
    "schema_migrations": "Edition of the tables",
}
"""What each table holds."""


def working_words(job: CareJob) -> str:
    """Return what goes on: "Checking the record · Chats and their messages"."""
    return " · ".join(filter(None, [_WORKING[job.work], job.name, job.step]))


def backup_words(backup: Backup) -> str:
    """Return when a backup was made, and how large it is."""
    before = "what was there before a restore" if backup.before_restore else ""
    return " · ".join(filter(None, [moment(backup.made_at), size(backup.size), before]))


def result_words(result: Backup | Preview | Applied | Folded | Repaired | Integrity | SwapOrder | None) -> str:
    """Return what came of a job that has ended well; empty where the page shows it elsewhere."""
    match result:
        case Backup():
            return f"The backup is made: {size(result.size)}. It was read to its end and holds what the record holds."
        case Applied():
            return f"The rules are applied: {touched_words(result.touched)}."
        case Folded():
            return _folded(result)
        case Repaired():
            return f"Another message is selected in {counted(result.chats, 'chat')}."
        case Integrity():
            return integrity_words(result)
        case Preview() | SwapOrder() | None:
            return ""


def _folded(folded: Folded) -> str:
    gain = folded.before - folded.after
    if gain <= 0:
        return f"The file is tidy: {size(folded.after)}."
    return f"The file and its log take {size(folded.after)} now, {size(gain)} less."


def touched_words(touched: tuple[Touched, ...]) -> str:
    """Return what rules touch: "1,204 event logs deleted (31 MB), 3 chats archived"."""
    return ", ".join(_touched(each) for each in touched if each.count) or "nothing had to go"


def touched_line(touched: Touched) -> str:
    """Return what one rule would touch now: "1,204 event logs would be deleted (31 MB of text)"."""
    noun, verb = _TOUCHED[touched.rule]
    return f"{_counted(touched.count, noun)} would be {verb}{_bytes(touched)}"


def _touched(touched: Touched) -> str:
    noun, verb = _TOUCHED[touched.rule]
    return f"{_counted(touched.count, noun)} {verb}{_bytes(touched)}"


def _bytes(touched: Touched) -> str:
    return f" ({size(touched.size)} of text)" if touched.size else ""


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else _PLURALS.get(noun, f'{noun}s')}"


def order_words(order: SwapOrder) -> str:
    """Return what happens at the next start."""
    if order.work == "compact":
        return (
            "The database file will be rewritten when ApeHost starts the next time; the start takes about a minute "
            "more for each GB. Nothing is lost, even if the power goes meanwhile."
        )
    return (
        f"Backup {order.name} will take the place of the present record when ApeHost starts the next time. What is "
        "there until then, also what you write from now on, is kept as a backup of its own."
    )


def outcome_words(outcome: SwapOutcome) -> str:
    """Return what was done at a start that went well."""
    when, took = moment(outcome.at), duration(outcome.took_s)
    if outcome.work == "restore":
        kept = f" What was there before is backup {outcome.kept}." if outcome.kept else ""
        return f"Backup {outcome.name} was restored, {when}.{kept} The search takes it in by itself."
    gain = outcome.before - outcome.after
    gained = f"{size(gain)} less than before" if gain > 0 else "no smaller than before"
    return f"The database file was rewritten in {took}, {when}: {size(outcome.after)}, {gained}."


def integrity_words(found: Integrity) -> str:
    """Return what a check found, in a sentence."""
    checked = f"Checked {moment(found.at)}, in {duration(found.took_s)}"
    if found.problems:
        return f"{checked}: {counted(len(found.problems), 'thing')} wrong."
    if any(check.unfinished for check in found.checks):
        return f"{checked}: nothing wrong so far, but there was not enough time for everything."
    return f"{checked}: everything is as it should be."


def check_words(check: Check) -> str:
    """Return how one check ended: "Chats and their messages: all well (1,204 looked at)"."""
    if check.unfinished:
        return f"{check.title}: not enough time"
    state = counted(len(check.problems), "problem") if check.problems else "all well"
    if check.note:
        return f"{check.title}: {check.note}"
    return f"{check.title}: {state} ({check.looked_at:,} looked at)"


def problem_words(problem: Problem) -> str:
    """Return what is wrong, and where."""
    named = ", ".join(f"“{where}”" for where in problem.where)
    left = problem.count - len(problem.where)
    more = f" and {left:,} more" if named and left > 0 else ""
    return f"{problem.what}: {named}{more}." if named else f"{problem.what}."


def free_words(sizes: Sizes) -> str:
    """Return how much of the file holds nothing, and what can be done; empty where all of it holds something."""
    if not sizes.free:
        return ""
    share = percent(sizes.free / sizes.file)
    return (
        f"{size(sizes.free)} of the file ({share} %) hold nothing; they are written to before the file grows. "
        "Rewriting gives that room back to the disk, and often some more. It takes about a minute for each GB."
    )
