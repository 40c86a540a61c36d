"""A comparison as values: what is asked, of whom, how often, and what is known about each attempt.

Ids of contenders and prompts are their places in `Setup`, from 0.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from apehost_core.errors import Fault
from apehost_core.events import Outcome
from apehost_core.model import Preferences
from apehost_core.runs.run import Generation

Mode = Literal["side_by_side", "benchmark"]
CacheMode = Literal["defeat", "measure", "leave"]
"""What is done about prompts that a server has cached: each gets a unique first line (defeat); so, and each is asked
a second time at once (measure); nothing (leave)."""
State = Literal["planned", "running", "pausing", "paused", "finished", "failed"]
"""pausing: what is being written goes to its end. paused also: the process died. failed: nothing could be asked."""
CheckKind = Literal["contains", "regex", "json_schema", "equals"]
Verdict = Literal["left", "right", "tie", "both_bad"]

MOST_CONTENDERS = 12
MOST_SIDE_BY_SIDE = 6
MOST_REPEATS = 100
MOST_CELLS = 200_000


@dataclass(frozen=True, slots=True)
class Contender:
    """Who answers, and how.

    Attributes:
        server: Name of the server.
        model: Its key there.
        quantisation: As listed; None when not told.
        preferences: Everything that its answers use, profiles included: what was found when the comparison was made.
        variant: What tells it from the same model with other settings: "temperature 0.2"; empty when nothing does.
    """

    server: str
    model: str
    quantisation: str | None = None
    preferences: Preferences = field(default_factory=Preferences)
    variant: str = ""

    @property
    def identity(self) -> tuple[str, str | None]:
        """What a vote is about: the model's key and quantisation, wherever it runs. Never its display name."""
        return self.model.casefold(), self.quantisation


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must be true of an answer.

    Attributes:
        kind: contains (any case), regex (found anywhere), json_schema (the answer is JSON that fits), equals (without
            white space around it).
        value: The text, the expression, or the schema as JSON.
    """

    kind: CheckKind
    value: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question.

    Attributes:
        text: What is asked.
        topic: What it is about, for ratings by topic; empty when not said.
        origin: Id of the message that it comes from; None when it was typed.
        variables: Name and value of what was filled into a template.
        checks: What must be true of its answers, beside what must be true of all.
    """

    text: str
    topic: str = ""
    origin: str | None = None
    variables: tuple[tuple[str, str], ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Judge:
    """A model that is asked which of two answers is better, in both orders.

    Attributes:
        server: Name of its server.
        model: Its key.
        quantisation: As listed; None when not told.
    """

    server: str
    model: str
    quantisation: str | None = None


@dataclass(frozen=True, slots=True)
class Power:
    """What a person says a machine draws.

    Attributes:
        server: Name of the server.
        watts: While it answers.
    """

    server: str
    watts: float


@dataclass(frozen=True, slots=True)
class Setup:
    """What is compared.

    Attributes:
        mode: side_by_side asks one prompt now, for reading; benchmark measures.
        prompts: What is asked.
        contenders: Who is asked; two or more.
        repeats: How often each is asked each prompt.
        cache: What is done about cached prompts.
        warm_ups: Requests to each model before it is timed; they are shown, and left out of the statistics.
        together: Everything is asked at once. Such times say how a shared machine does, not how fast a model is.
        same_machine: Servers of one host name share a machine and are timed one after the other; False where names
            deceive (tunnels).
        checks: What must be true of all answers.
        judge: Who compares the answers; None when nobody does.
        power: What is known of the machines' power.
        price_kwh: Of energy, in whatever currency; None when not said.
        seed: Of the order; another one gives another order.
    """

    mode: Mode
    prompts: tuple[Prompt, ...]
    contenders: tuple[Contender, ...]
    repeats: int = 1
    cache: CacheMode = "defeat"
    warm_ups: int = 1
    together: bool = False
    same_machine: bool = True
    checks: tuple[Check, ...] = ()
    judge: Judge | None = None
    power: tuple[Power, ...] = ()
    price_kwh: float | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison as it is kept.

    Attributes:
        id: UUIDv7.
        title: What it is called in lists.
        created_at: UTC.
        state: How far it is.
        setup: What is compared.
        fault: Why it failed or was paused by itself; None when it was not.
        rerun_of: The comparison that it asks again; None when it is the first of its kind.
    """

    id: str
    title: str
    created_at: datetime
    state: State
    setup: Setup
    fault: Fault | None = None
    rerun_of: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A comparison in a list.

    Attributes:
        id: UUIDv7.
        title: What it is called.
        created_at: UTC.
        state: How far it is.
        mode: What it is for.
        contenders: How many.
        prompts: How many.
    """

    id: str
    title: str
    created_at: datetime
    state: State
    mode: Mode
    contenders: int
    prompts: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a cell of the plan, as recorded.

    Attributes:
        cell: Number of the cell.
        run_id: The run; its log holds the answer.
        outcome: None while it lives.
        fault: What went wrong; None when nothing did.
        generation: The model call that answered, or the last that failed; None before the run ended.
    """

    cell: int
    run_id: str
    outcome: Outcome | None
    fault: Fault | None
    generation: Generation | None


@dataclass(frozen=True, slots=True)
class Vote:
    """What somebody thinks of two answers to one prompt.

    Attributes:
        id: UUIDv7.
        comparison_id: Where the answers stand.
        left: Cell of the answer that was shown on the left (to a judge: first).
        right: Cell of the other one.
        verdict: Which is better.
        blind: Names were hidden.
        voter: "person" or "judge".
        judge: Key of the model that judged; None for a person.
        topic: Of the prompt.
        left_identity: Key and quantisation of the model that wrote the left one.
        right_identity: Of the other one.
        created_at: UTC.
    """

    id: str
    comparison_id: str
    left: int
    right: int
    verdict: Verdict
    blind: bool
    voter: Literal["person", "judge"]
    judge: str | None
    topic: str
    left_identity: tuple[str, str | None]
    right_identity: tuple[str, str | None]
    created_at: datetime
