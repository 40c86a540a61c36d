"""How long a comparison takes: from what is on record of its models, and from guesses, which are named. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apehost_core.compare.comparison import Contender, Setup
from apehost_core.compare.facts import Facts
from apehost_core.compare.plan import Cell, Plan
from apehost_core.compare.progress import Preview

Spread = tuple[float, float, float]
"""Low, median and high of what was measured: its 10th, 50th and 90th percentile."""

_LOAD_MS: Spread = (2_000.0, 10_000.0, 60_000.0)
_TTFT_MS: Spread = (200.0, 1_000.0, 5_000.0)
_DECODE_TOK_S: Spread = (5.0, 20.0, 80.0)
_TOKENS: Spread = (50.0, 300.0, 1_000.0)


@dataclass(frozen=True, slots=True)
class Usual:
    """What is on record of a model on a server.

    Attributes:
        load_ms: Time of a load; None when none is on record.
        ttft_ms: Time to first token of a warm model.
        decode_tok_s: Tokens a second.
        completion_tokens: Length of an answer.
        n: How many answers it rests on.
    """

    load_ms: Spread | None = None
    ttft_ms: Spread | None = None
    decode_tok_s: Spread | None = None
    completion_tokens: Spread | None = None
    n: int = 0


UsualOf = Callable[[Contender], Usual]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long one request of a contender takes, and one load of its model: seconds, from low to high."""

    answer_s: Spread
    load_s: Spread


def pace_of(contender: Contender, usual: Usual) -> Pace:
    """Return how long a contender's requests take."""
    load, ttft, rate = usual.load_ms or _LOAD_MS, usual.ttft_ms or _TTFT_MS, usual.decode_tok_s or _DECODE_TOK_S
    tokens = usual.completion_tokens or _TOKENS
    most = contender.preferences.sampling.max_tokens
    if most is not None:
        tokens = (min(tokens[0], most), min(tokens[1], most), min(tokens[2], most))
    fast, middle, slow = (ttft[place] / 1000 + tokens[place] / max(rate[2 - place], 0.01) for place in range(3))
    return Pace((fast, middle, slow), (load[0] / 1000, load[1] / 1000, load[2] / 1000))


def preview(setup: Setup, plan: Plan, facts: Facts, usual_of: UsualOf) -> Preview:
    """Return what a comparison would take.

    Args:
        setup: What is compared.
        plan: Its requests.
        facts: The servers now.
        usual_of: What is on record of a contender; may read.
    """
    usual = [usual_of(contender) for contender in setup.contenders]
    paces = [pace_of(contender, known) for contender, known in zip(setup.contenders, usual, strict=True)]
    seconds = [_seconds(setup, plan, paces, place) for place in (0, 2)]
    return Preview(
        plan=plan,
        loads=sum(len(stretch.loads) for track in plan.tracks for stretch in track),
        low_s=seconds[0],
        high_s=seconds[1],
        guessed=_guessed(setup, usual),
        warnings=_warnings(setup, facts),
    )


def seconds_left(cells: Sequence[Cell], answer_s: Sequence[float]) -> float:
    """Return how long these cells take, one after the other.

    Args:
        cells: What is to be asked; cells of the judge are left out.
        answer_s: By contender.
    """
    return sum(answer_s[cell.contender] for cell in cells if cell.contender >= 0)


def _seconds(setup: Setup, plan: Plan, paces: Sequence[Pace], place: int) -> float:
    """Return how long all takes: machines work at the same time, what is asked together as long as its slowest."""
    answers = [pace.answer_s[place] for pace in paces]
    tracks: list[float] = []
    for track in plan.tracks:
        loads = sum(_load_s(setup, paces, stretch.server, key, place) for stretch in track for key in stretch.loads)
        cells = [plan.cells[number] for stretch in track for number in (*stretch.warm_ups, *stretch.cells)]
        asked = max((answers[cell.contender] for cell in cells), default=0.0)
        tracks.append(loads + (asked if plan.together else seconds_left(cells, answers)))
    judging = len(plan.judging) * (sum(answers) / len(answers) if answers else 0.0)
    return max(tracks, default=0.0) + judging


def _load_s(setup: Setup, paces: Sequence[Pace], server: str, key: str, place: int) -> float:
    """Return how long the load of a model takes."""
    of_it = (
        pace.load_s[place]
        for pace, one in zip(paces, setup.contenders, strict=True)
        if one.server == server and one.model.casefold() == key.casefold()
    )
    return next(of_it, 0.0)


def _guessed(setup: Setup, usual: Sequence[Usual]) -> tuple[str, ...]:
    said: dict[str, None] = {}
    for contender, known in zip(setup.contenders, usual, strict=True):
        if known.decode_tok_s is None or known.ttft_ms is None:
            guess = f"{_DECODE_TOK_S[0]:.0f} to {_DECODE_TOK_S[2]:.0f} tokens a second"
            said[f"No warm answer of {contender.model} on {contender.server} is on record: {guess} are assumed"] = None
    return tuple(said)


def _warnings(setup: Setup, facts: Facts) -> tuple[str, ...]:
    """Return what makes the numbers less sure, in words."""
    warnings: list[str] = []
    names = tuple(dict.fromkeys(contender.server for contender in setup.contenders))
    for name in names:
        warnings += _of_server(name, setup, facts)
    machines: dict[int, list[str]] = {}
    for server in facts.servers:
        if server.name in names:
            machines.setdefault(server.machine, []).append(server.name)
    for shared in machines.values():
        if len(shared) > 1 and setup.same_machine and not setup.together:
            warnings.append(f"{' and '.join(shared)} run on one machine and are asked one after the other")
    if setup.judge and setup.judge.model.casefold() in {one.model.casefold() for one in setup.contenders}:
        warnings.append(f"{setup.judge.model} judges answers of its own: judges favour these")
    if setup.together:
        warnings.append("Everything is asked at once on shared machines: not for timing")
    return tuple(warnings)


def _of_server(name: str, setup: Setup, facts: Facts) -> list[str]:
    server = facts.server(name)
    if server is None:
        return [f"There is no server named {name} any more"]
    if not server.answers:
        return [f"{name} does not answer at the moment"]
    wanted = {(one.model.casefold(), one.preferences.context_length) for one in setup.contenders if one.server == name}
    found: list[str] = []
    for model in server.models:
        contexts = [context for key, context in wanted if key == model.key.casefold()]
        if model.state == "loaded" and not contexts and model.type != "embedding":
            found.append(f"{model.name} is loaded on {name} and not compared: it takes memory")
        others = [c for c in contexts if c is not None and model.loaded_context not in (None, c)]
        if model.state == "loaded" and others:
            say = f"{model.name} is loaded on {name} with a context of {model.loaded_context:,} tokens"
            found.append(f"{say}; it will be unloaded, to be loaded with {others[0]:,}")
    listed = {model.key.casefold() for model in server.models}
    found += [f"{name} does not list {key}" for key, _ in sorted(wanted, key=str) if key not in listed]
    return found
