"""What must be true of an answer, and whether it is. Pure, and bounded: no expression and no schema can hold it up.

An expression or a schema is looked at when it is made, so that a mistake in it is the person's to mend and not a
hundred answers' to fail.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from apehost_core.compare.comparison import Check, CheckKind, Setup
from apehost_core.compare.expressions import checked_expression, found_in
from apehost_core.compare.intervals import wilson
from apehost_core.compare.plan import Plan
from apehost_core.compare.schemas import checked_schema
from apehost_core.compare.summary import Interval
from apehost_core.errors import Fault, InputRefused

CHECK_KINDS: dict[str, CheckKind] = {
    "contains": "contains",
    "regex": "regex",
    "json_schema": "json_schema",
    "equals": "equals",
}
CHECKS: dict[CheckKind, str] = {
    "contains": "contains",
    "equals": "equals",
    "regex": "matches the expression",
    "json_schema": "is JSON that fits the schema",
}
"""What an answer is or does that passes, in words."""
MOST_ANSWER_CHARS = 100_000
"""A longer answer fits no expression and no schema."""
MOST_VALUE_CHARS = 100_000
_MOST_TIMEOUTS = 5
_Passes = Callable[[str], bool]


Counted = tuple[int | None, Check, dict[int, tuple[int, int]]]
"""A check with the prompt it is of (None: all), and by contender how many answers passed and how many there are."""


@dataclass(frozen=True, slots=True)
class Passed:
    """How often a contender's answers were as they must be.

    Attributes:
        contender: Its place in the setup.
        passed: Answers of which everything was true that must be.
        answers: Answers that something must be true of.
        prompts: How many prompts they belong to.
        share: Of answers that passed, the mean over prompts; None without answers.
        interval: Wilson's, over prompts: repeats of one prompt do not tell how others would do. None without answers.
    """

    contender: int
    passed: int
    answers: int
    prompts: int
    share: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks of a comparison say.

    Attributes:
        cells: By cell, whether each of its checks passed; in the order of `checks_of`.
        contenders: In the order of the setup.
    """

    cells: dict[int, tuple[bool, ...]]
    contenders: tuple[Passed, ...]


def checked_check(kind: CheckKind, value: str) -> Check:
    """Return a check that can be made.

    Raises:
        InputRefused: The value is empty, too long, or no expression or schema.
    """
    check = Check(kind, value)
    _compiled(check)
    return check


def checks_of(setup: Setup, prompt: int) -> tuple[Check, ...]:
    """Return what must be true of the answers to a prompt: first what must be of all, then its own."""
    return setup.checks + setup.prompts[prompt].checks


def check(answer: str, check: Check) -> bool:
    """Whether it is true of the answer.

    Raises:
        InputRefused: It cannot be checked, see `checked_check`.
    """
    return _compiled(check)(answer)


def check_answers(setup: Setup, plan: Plan, answers: Mapping[int, str]) -> Checked:
    """Return what the checks say of answers.

    Args:
        setup: What is compared.
        plan: Its cells.
        answers: Visible text by cell; of timed cells, by the models that were asked. Other kinds of cell are ignored.

    Raises:
        InputRefused: One cannot be checked, see `checked_check`.
    """
    compiled = {one: _compiled(one) for number in range(len(setup.prompts)) for one in checks_of(setup, number)}
    cells: dict[int, tuple[bool, ...]] = {}
    for number, text in answers.items():
        cell = plan.cells[number]
        wanted = checks_of(setup, cell.prompt)
        if wanted and cell.kind == "timed":
            cells[number] = tuple(compiled[one](text) for one in wanted)
    return Checked(cells, tuple(_passed(contender, plan, cells) for contender in range(len(setup.contenders))))


def one_by_one(setup: Setup, plan: Plan, checked: Checked) -> list[Counted]:
    """Return how often each check passed: of which prompt it is, the check, and by contender (passed, answers).

    A check of all prompts is of None and comes first.
    """
    found: dict[tuple[int | None, Check], dict[int, tuple[int, int]]] = {}
    for number, results in sorted(checked.cells.items()):
        cell = plan.cells[number]
        of = [None] * len(setup.checks) + [cell.prompt] * len(setup.prompts[cell.prompt].checks)
        for prompt, one, passed in zip(of, checks_of(setup, cell.prompt), results, strict=True):
            counts = found.setdefault((prompt, one), {})
            before, answers = counts.get(cell.contender, (0, 0))
            counts[cell.contender] = before + passed, answers + 1
    first = sorted(found.items(), key=lambda item: -1 if item[0][0] is None else item[0][0])
    return [(prompt, one, counts) for (prompt, one), counts in first]


def _passed(contender: int, plan: Plan, cells: Mapping[int, tuple[bool, ...]]) -> Passed:
    by_prompt: dict[int, list[bool]] = {}
    for number, results in cells.items():
        if plan.cells[number].contender == contender:
            by_prompt.setdefault(plan.cells[number].prompt, []).append(all(results))
    answers, passed = sum(map(len, by_prompt.values())), sum(map(sum, by_prompt.values()))
    prompts = len(by_prompt)
    if not prompts:
        return Passed(contender, 0, 0, 0, None, None)
    share = sum(sum(results) / len(results) for results in by_prompt.values()) / prompts
    return Passed(contender, passed, answers, prompts, share, wilson(share * prompts, prompts))


def _compiled(check: Check) -> _Passes:
    if not check.value.strip():
        raise _refused("A check is empty", "Say what must be true of the answers, or leave it out.")
    if len(check.value) > MOST_VALUE_CHARS:
        raise _refused(f"A check has {len(check.value):,} characters; {MOST_VALUE_CHARS:,} are the most", "Shorten it.")
    match check.kind:
        case "contains":
            wanted = check.value.casefold()
            return lambda answer: wanted in answer.casefold()
        case "equals":
            exact = check.value.strip()
            return lambda answer: answer.strip() == exact
        case "regex":
            return _Expression(check.value)
        case "json_schema":
            schema = checked_schema(check.value)
            return lambda answer: len(answer) <= MOST_ANSWER_CHARS and schema.fits(answer)
        case _:
            assert_never(check.kind)


class _Expression:
    """An expression that is looked for; one that ran out of time on five answers is not looked for any more."""

    def __init__(self, expression: str) -> None:
        self._pattern = checked_expression(expression)
        self._timeouts = 0

    def __call__(self, answer: str) -> bool:
        if len(answer) > MOST_ANSWER_CHARS or self._timeouts >= _MOST_TIMEOUTS:
            return False
        try:
            return found_in(answer, self._pattern)
        except TimeoutError:
            self._timeouts += 1
            return False


def _refused(title: str, advice: str, cause: str = "") -> InputRefused:
    return InputRefused(Fault(kind="bad_request", title=title, cause=cause, advice=advice))
