"""A comparison as a report in Markdown: claims first, then the numbers that they rest on, then how they came about.

Pure. A report goes to other people: it holds names of servers, never where they are, and no text in it can do anything
(`report_text`).
"""

from collections.abc import Sequence

from apehost_core.compare import report_tables
from apehost_core.compare.checks import Checked
from apehost_core.compare.claims import claims
from apehost_core.compare.comparison import Comparison, State, Vote
from apehost_core.compare.numbers import counted
from apehost_core.compare.plan import Plan
from apehost_core.compare.report_setup import measuring, setup_section, unknown
from apehost_core.compare.report_text import inert
from apehost_core.compare.summary import Summary

_STATES: dict[State, str] = {
    "planned": "not started",
    "running": "still running",
    "pausing": "still running",
    "paused": "paused: not everything has been asked",
    "finished": "finished",
    "failed": "failed",
}
MOST_CLAIM_CHARS = 1_000
SHARED = (
    "Shared machine: not for timing. Everything was asked at once, so these times say how the machine does with all "
    "of it, not how fast a model is; nothing is claimed from them."
)
_NO_CLAIM = "These runs do not tell the models apart."


def report(
    comparison: Comparison,
    plan: Plan,
    summary: Summary,
    *,
    votes: Sequence[Vote] = (),
    unread: int = 0,
    checked: Checked | None = None,
) -> str:
    """Return the report.

    Args:
        comparison: What was compared.
        plan: Its requests.
        summary: What the statistics say.
        votes: All votes on its answers, of people and of the judge.
        unread: Pairs of which the judge gave no verdict that could be read.
        checked: What the checks say; None where there are none.
    """
    setup, names = comparison.setup, report_tables.names_of(comparison.setup)
    sections = [
        ("What these runs say", _claims(comparison, summary)),
        ("Numbers", report_tables.medians(summary, names)),
        ("Pairs", report_tables.pairs(summary, names) if not setup.together else ""),
        ("How the requests ended", report_tables.endings(summary, names)),
        ("Apart", report_tables.apart(summary, names)),
        ("Energy", report_tables.energy(summary, names, setup.price_kwh)),
        ("Checks", report_tables.checks(checked, names) if checked else ""),
        ("Votes", report_tables.votes(plan, votes, names, unread)),
        ("Setup", setup_section(setup, names)),
        ("How it was measured", measuring(setup, plan)),
        ("What is not known", unknown(setup, summary, names)),
    ]
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections if text)
    return f"# {inert(comparison.title) or 'Comparison'}\n\n{_about(comparison)}\n\n{body}\n"


def _about(comparison: Comparison) -> str:
    setup = comparison.setup
    asked = f"{counted(len(setup.contenders), 'model')}, {counted(len(setup.prompts), 'prompt')}"
    repeats = f", each asked {setup.repeats:,} times" if setup.repeats > 1 else ""
    words = f"{asked}{repeats}. Made with ApeHost on {comparison.created_at:%Y-%m-%d at %H:%M} UTC; "
    about = f"{words}{_STATES[comparison.state]}."
    return f"{about} {inert(comparison.fault.title)}." if comparison.fault else about


def _claims(comparison: Comparison, summary: Summary) -> str:
    if comparison.setup.together:
        return SHARED
    said = claims(summary, comparison.setup)
    return "\n".join(f"- {inert(sentence, MOST_CLAIM_CHARS)}." for sentence in said) if said else _NO_CLAIM
