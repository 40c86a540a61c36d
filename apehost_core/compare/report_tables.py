"""The numbers of a report, as tables with a line above each that says what they are. Pure functions."""

from collections import Counter
from collections.abc import Sequence

from apehost_core.compare.checks import Checked, Passed
from apehost_core.compare.claims import name, within_percent
from apehost_core.compare.comparison import Setup, Verdict, Vote
from apehost_core.compare.measures import BETTER, Measure, Noted
from apehost_core.compare.numbers import counted
from apehost_core.compare.plan import Plan
from apehost_core.compare.report_text import (
    NOTHING,
    bounded,
    inert,
    measured,
    percentage,
    table,
    with_interval,
)
from apehost_core.compare.summary import ContenderSummary, Estimate, Leaderboard, Pair, Summary
from apehost_core.compare.votes import leaderboard

MEASURES: dict[Measure, str] = {
    "ttft_ms": "Time to first token",
    "first_visible_ms": "Time to first visible token",
    "decode_tok_s": "Decode speed",
    "prompt_tok_s": "Prompt speed",
    "total_ms": "Total time",
    "completion_tokens": "Tokens",
    "visible_chars": "Characters",
}
NOTED: dict[Noted, str] = {
    "load_ms": "Load time",
    "prompt_tokens": "Prompt tokens",
    "cached_tokens": "Of these cached",
    "server_ttft_ms": "Server: first token",
    "server_prompt_tok_s": "Server: prompt speed",
    "server_decode_tok_s": "Server: decode speed",
}
_MOST_PAIRS = 400
_VERDICTS: tuple[Verdict, ...] = ("left", "tie", "both_bad", "right")
_MIRRORED: dict[Verdict, Verdict] = {"left": "right", "right": "left", "tie": "tie", "both_bad": "both_bad"}


def names_of(setup: Setup) -> tuple[str, ...]:
    """Return what the contenders are called, inert."""
    return tuple(inert(name(number, setup)) for number in range(len(setup.contenders)))


def medians(summary: Summary, names: Sequence[str]) -> str:
    """Return the typical numbers of warm models, and what 95 % of the runs keep; empty before there are any."""
    told: list[Measure] = [measure for measure in MEASURES if any(measure in one.medians for one in summary.contenders)]
    if not told:
        return ""
    rows = [_median_row(one, told, names) for one in summary.contenders]
    head = ["Model", *(MEASURES[one] for one in told), "n"]
    within: list[Measure] = [measure for measure in told if any(measure in one.bounds for one in summary.contenders)]
    limits = [
        [names[one.contender], *(bounded(one.bounds.get(measure), measure) for measure in within)]
        for one in summary.contenders
    ]
    return (
        "Each number is the median over prompts of each prompt's median run, with its 95 % interval over prompts; "
        "uncached prompts, warm models.\n\n"
        f"{table(head, rows)}\n\n"
        "What 95 % of the runs keep, at 95 % confidence:\n\n"
        f"{table(['Model', *(MEASURES[one] for one in within)], limits)}"
    )


def _median_row(one: ContenderSummary, told: Sequence[Measure], names: Sequence[str]) -> list[str]:
    usual = one.medians.get("ttft_ms") or next(iter(one.medians.values()), None)
    cells = [measured(one.medians.get(measure), measure, usual.runs if usual else None) for measure in told]
    rests_on = f"{counted(usual.runs, 'run')}, {counted(usual.prompts, 'prompt')}" if usual else NOTHING
    return [names[one.contender], *cells, rests_on]


def pairs(summary: Summary, names: Sequence[str]) -> str:
    """Return every two contenders in every measure; empty without any."""
    if not summary.pairs:
        return ""
    told = sorted(summary.pairs, key=lambda pair: [*MEASURES].index(pair.measure))
    rows = [_pair_row(pair, names) for pair in told[:_MOST_PAIRS]]
    more = f"\n\nAnd {len(told) - _MOST_PAIRS:,} more." if len(told) > _MOST_PAIRS else ""
    return (
        "A over B, as geometric mean over the prompts that both answered, with its 95 % interval; "
        "p of no difference, corrected for the number of measures (Bonferroni) and of pairs (Holm).\n\n"
        + table(["Measure", "A", "B", "A over B", "n", "p", "Better"], rows)
        + more
    )


def _pair_row(pair: Pair, names: Sequence[str]) -> list[str]:
    rests_on = f"{counted(pair.ratio.prompts, 'prompt')}, {counted(pair.ratio.runs, 'run')}"
    p = "too few prompts" if pair.p is None else ("below 0.001" if pair.p < 0.001 else f"{pair.p:.2g}")
    a, b = names[pair.a], names[pair.b]
    return [MEASURES[pair.measure], a, b, with_interval(pair.ratio), rests_on, p, _better(pair, a, b)]


def _better(pair: Pair, a: str, b: str) -> str:
    if pair.winner is not None:
        return a if pair.winner == "a" else b
    if pair.measure not in BETTER:
        return "neither way is better"
    near = within_percent(pair)
    if near is not None:
        return f"within {near} % of each other"
    more = f"; about {counted(pair.more_prompts, 'more prompt')} would tell" if pair.more_prompts is not None else ""
    return f"cannot be told{more}"


def endings(summary: Summary, names: Sequence[str]) -> str:
    """Return what became of the requests."""
    rows: list[list[str]] = []
    for one in summary.contenders:
        counts = one.counts
        whole = (counts.planned, counts.used, counts.cold, counts.other_model, counts.failed, counts.open)
        errors = NOTHING if one.errors is None else percentage(one.errors.value, one.errors.interval)
        finishes = ", ".join(f"{inert(reason)} {times:,}" for reason, times in counts.finishes) or NOTHING
        rows.append([names[one.contender], *(f"{count:,}" for count in whole), errors, finishes])
    head = ["Model", "Planned", "Used", "Cold", "Another model answered", "Failed", "Open", "Error rate", "Finish"]
    return f"Only the used ones are in the numbers above.\n\n{table(head, rows)}"


def apart(summary: Summary, names: Sequence[str]) -> str:
    """Return what is never mixed with the numbers of warm models and uncached prompts; empty without any."""
    parts: list[str] = []
    cached = {one.contender: one.cached for one in summary.contenders if one.cached}
    cold = {one.contender: one.cold for one in summary.contenders if one.cold}
    for title, found in (("With a cached prompt", cached), ("When the model was loaded for the call", cold)):
        told: list[Measure] = [measure for measure in MEASURES if any(measure in of for of in found.values())]
        rows = [[names[who], *(measured(of.get(one), one) for one in told)] for who, of in found.items()]
        if rows:
            parts.append(f"{title}:\n\n{table(['Model', *(MEASURES[one] for one in told)], rows)}")
    noted: list[Noted] = [one for one in NOTED if any(one in of.noted for of in summary.contenders)]
    if noted:
        rows = [
            [names[of.contender], *(measured(of.noted.get(one), one) for one in noted)] for of in summary.contenders
        ]
        head = ["Model", *(NOTED[one] for one in noted)]
        parts.append(f"Loads, prompts, and what the servers say of themselves:\n\n{table(head, rows)}")
    return "\n\n".join(parts)


def energy(summary: Summary, names: Sequence[str], price_kwh: float | None) -> str:
    """Return the energy of answers; empty where nobody said what the machines draw."""
    rows: list[list[str]] = []
    for one in summary.contenders:
        if (of := one.energy_wh) is None:
            continue
        cost = [NOTHING if price_kwh is None else _cost(of, price_kwh)]
        rows.append([names[one.contender], f"{with_interval(of, 'Wh')}, n={of.runs:,}", *cost])
    if not rows:
        return ""
    head = ["Model", "Energy of an answer", "Cost of 1,000 answers"]
    return f"From the watts and the price of a kWh that were given, not measured.\n\n{table(head, rows)}"


def _cost(of: Estimate, price_kwh: float) -> str:
    return with_interval(of, factor=price_kwh)


def checks(checked: Checked, names: Sequence[str]) -> str:
    """Return how many answers were as they must be; empty where nothing must be."""
    if not any(one.answers for one in checked.contenders):
        return ""
    rows = [[names[one.contender], *_passed(one)] for one in checked.contenders]
    head = ["Model", "Passed", "Answers", "Prompts", "Share"]
    return (
        "An answer passed when all that must be true of it is. The share is the mean over prompts, "
        f"with Wilson's 95 % interval over prompts.\n\n{table(head, rows)}"
    )


def _passed(one: Passed) -> list[str]:
    share = NOTHING if one.share is None else percentage(one.share, one.interval)
    return [f"{one.passed:,}", f"{one.answers:,}", f"{one.prompts:,}", share]


def votes(plan: Plan, given: Sequence[Vote], names: Sequence[str], unread: int) -> str:
    """Return votes and ratings, those of people and those of a judging model apart; empty without any.

    Args:
        plan: The cells.
        given: All votes.
        names: Of the contenders.
        unread: Pairs of which the judge gave no verdict.
    """
    parts: list[str] = []
    people = [vote for vote in given if vote.voter == "person"]
    if people:
        blind = sum(vote.blind for vote in people)
        parts.append(f"{counted(len(people), 'vote')} by people, {blind:,} of them blind.")
        parts.append(_votes(plan, people, names))
    judged = [vote for vote in given if vote.voter == "judge"]
    if judged:
        judges = ", ".join(inert(judge) for judge in dict.fromkeys(vote.judge or "" for vote in judged))
        parts.append(
            f"{counted(len(judged), 'vote')} by a model ({judges}), not by people. It saw each pair in both orders; "
            "where it did not stay with its verdict, that is a tie."
        )
        parts.append(_votes(plan, judged, names))
    if unread:
        parts.append(f"{counted(unread, 'pair')} without a verdict: what the judge wrote could not be read as one.")
    return "\n\n".join(parts)


def _votes(plan: Plan, given: Sequence[Vote], names: Sequence[str]) -> str:
    tally: Counter[tuple[int, int, Verdict]] = Counter()
    for vote in given:
        left, right = plan.cells[vote.left].contender, plan.cells[vote.right].contender
        verdict = vote.verdict if left <= right else _MIRRORED[vote.verdict]
        tally[min(left, right), max(left, right), verdict] += 1
    rows = [
        [names[a], names[b], *(f"{tally[a, b, verdict]:,}" for verdict in _VERDICTS)]
        for a, b in sorted({(a, b) for a, b, _ in tally})
    ]
    head = ["A", "B", "A is better", "Tie", "Both bad", "B is better"]
    return f"{table(head, rows)}\n\n{_ratings(leaderboard(given))}"


def _ratings(board: Leaderboard) -> str:
    rows: list[list[str]] = []
    for rating in board.ratings:
        estimate = Estimate(rating.strength, rating.interval, rating.votes, rating.votes)
        model, quantisation = rating.identity
        label = inert(f"{model} {quantisation or ''}".strip())
        rows.append([label, with_interval(estimate), f"{rating.votes:,}", f"{rating.group + 1:,}"])
    said = "Ratings by Bradley-Terry with ties, from these votes alone; 400 more is ten times the odds."
    if not board.connected:
        said += " Ratings of different groups mean nothing to each other: no vote links them."
    if board.more_votes is not None and board.next_pair is not None:
        (a, _), (b, _) = board.next_pair
        said += f" About {counted(board.more_votes, 'more vote')} would separate {inert(a)} from {inert(b)}."
    return f"{said}\n\n{table(['Model', 'Rating', 'Votes', 'Group'], rows)}"
