"""What must be true of answers, and that no expression or schema can hold anything up."""

import json
import socket
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apehost_core.compare import expressions, schemas
from apehost_core.compare.checks import Passed, check, check_answers, checked_check, checks_of
from apehost_core.compare.comparison import Check, CheckKind, Contender, Prompt, Setup
from apehost_core.compare.plan import Cell, Plan
from apehost_core.compare.schemas import checked_schema, without_fence
from apehost_core.errors import InputRefused

PERSON = json.dumps(
    {
        "type": "object",
        "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "age": {"type": "integer"}},
        "required": ["name"],
        "additionalProperties": False,
    }
)


@pytest.mark.parametrize(
    ("kind", "value", "answer", "passes"),
    [
        ("contains", "PARIS", "It is paris.", True),
        ("contains", "straße", "STRASSE", True),
        ("contains", "rome", "It is Paris.", False),
        ("equals", " 42 ", "42\n", True),
        ("equals", "42", "42.", False),
        ("equals", "yes", "Yes", False),
        ("regex", r"\b\d{4}-\d{2}-\d{2}\b", "On 2026-01-31.", True),
        ("regex", r"(?i)^paris$", "Paris", True),
        ("regex", r"^\d+$", "a 1", False),
        ("json_schema", PERSON, '{"name": "Ada", "age": 36.0}', True),
        ("json_schema", PERSON, '```json\n{"name": "Ada"}\n```', True),
        ("json_schema", PERSON, '\n~~~\n{"name": "Ada"}\n~~~\n\n', True),
        ("json_schema", PERSON, 'Here: {"name": "Ada"}', False),
        ("json_schema", PERSON, '{"name": "ada"}', False),
        ("json_schema", PERSON, '{"name": "Ada", "more": 1}', False),
        ("json_schema", PERSON, "", False),
        ("json_schema", '{"type": "number"}', "NaN", False),
        ("json_schema", '{"type": "number"}', "1e999", False),
        ("json_schema", '{"uniqueItems": true}', '[1, "1", true, [1]]', True),
        ("json_schema", '{"uniqueItems": true}', "[1, 2, 1.0]", False),
        ("json_schema", '{"$defs": {"x": {"const": 1}}, "$ref": "#/$defs/x"}', "1", True),
        ("json_schema", '{"$defs": {"x": {"const": 1}}, "$ref": "#/$defs/x"}', "2", False),
    ],
)
def test_checks(kind: CheckKind, value: str, answer: str, passes: bool) -> None:
    """Each kind of check means what it says."""
    assert passes == check(answer, checked_check(kind, value))


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("contains", "  ", "empty"),
        ("contains", "x" * 100_001, "characters"),
        ("regex", "(", "regular expression"),
        ("regex", "(" * 1_000 + ")" * 1_000, "regular expression"),
        ("regex", "x" * 2_001, "characters"),
        ("regex", "((ab|cd){1000}){1000}", "too often"),
        ("json_schema", "{", "no JSON"),
        ("json_schema", "[]", "no JSON object"),
        ("json_schema", '{"type": "strnig"}', "rules of JSON Schema"),
        ("json_schema", '{"$ref": "https://example.com/s.json"}', "outside"),
        ("json_schema", '{"items": {"$dynamicRef": "other.json#x"}}', "outside"),
        ("json_schema", '{"$ref": "#/$defs/nothing"}', "does not hold"),
        ("json_schema", '{"patternProperties": {"(a+)+$": {}}}', "patternProperties"),
        ("json_schema", '{"properties": {"a": {"pattern": "("}}}', "regular expression"),
        ("json_schema", '{"pattern": "((ab|cd){1000}){1000}"}', "too often"),
        ("json_schema", '{"not":' * 3_000 + "{}" + "}" * 3_000, "characters"),
        ("json_schema", '{"not":' * 1_500 + "{}" + "}" * 1_500, "deep"),
    ],
)
def test_bad_checks_are_refused(kind: CheckKind, value: str, words: str) -> None:
    """What cannot be checked is refused when it is made, and says why in a few words."""
    with pytest.raises(InputRefused, match=words) as caught:
        checked_check(kind, value)
    assert len(str(caught.value)) < 500


def test_slow_expressions_end() -> None:
    """An expression that takes for ever on an answer is not found in it."""
    assert not check("a" * 5_000 + "b", checked_check("regex", r"(a|aa)+$"))


def test_an_expression_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ran out of time again and again is not tried on the other answers."""
    monkeypatch.setattr(expressions, "TIMEOUT_S", 0.001)
    setup = Setup("benchmark", tuple(Prompt(str(n)) for n in range(50)), (Contender("s", "a"),))
    slow = Check("regex", r"(a|aa)+$")
    plan = Plan(tuple(Cell(n, "timed", 0, n) for n in range(50)), ())
    answers = dict.fromkeys(range(49), "a" * 5_000 + "b") | {49: "a"}
    with_slow = Setup(setup.mode, setup.prompts, setup.contenders, checks=(slow,))
    assert 0 == check_answers(with_slow, plan, answers).contenders[0].passed


def test_long_answers_fit_nothing() -> None:
    """Answers beyond the limit pass no expression and no schema."""
    assert not check("a" * 100_001, checked_check("regex", "a"))
    assert not check('"' + "a" * 100_001 + '"', checked_check("json_schema", '{"type": "string"}'))


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        ({"$ref": "#"}, "1"),
        ({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, "1"),
        ({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}, "[" * 5_000 + "]" * 5_000),
        (
            {
                "$defs": {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
                | {"d40": {"const": 0}},
                "$ref": "#/$defs/d0",
            },
            "1",
        ),
        ({"type": "string", "pattern": "(a|aa)+$"}, json.dumps("a" * 5_000 + "b")),
        ({"multipleOf": 0.1}, "9" * 400),
    ],
)
def test_bombs_are_defused(schema: dict[str, object], answer: str) -> None:
    """Recursion without end, exponential schemas and slow patterns end in an answer that does not fit."""
    assert not checked_schema(json.dumps(schema)).fits(answer)


def test_many_items_are_compared_at_once() -> None:
    """Twenty thousand items of two types are unique or not without each being compared with each."""
    items = [n if n % 2 else str(n) for n in range(15_000)]
    unique = checked_schema('{"uniqueItems": true}')
    assert unique.fits(json.dumps(items))
    assert not unique.fits(json.dumps([*items, 1]))


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """No schema makes a connection: not when it is made, and not when it slipped past that."""

    def no_network(*_args: object, **_kwargs: object) -> NoReturn:
        pytest.fail("a schema reached for the network")

    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    document = {"$id": "http://example.com/a.json", "$ref": "http://example.com/b.json"}
    with pytest.raises(InputRefused, match="outside"):
        checked_schema(json.dumps(document))
    assert not schemas.Schema(document).fits("1")


@given(st.text(), st.sampled_from(["```json\n{}\n```", "```\n{}\n```", "{}", "```{}```", "```json\n```"]))
def test_fences(text: str, fence: str) -> None:
    """Only a fence around everything is taken away."""
    assert without_fence("```json\n{}\n```") == "{}"
    outside = text.strip() + fence
    if text.strip() and not text.strip().startswith(("`", "~")):
        assert outside == without_fence(outside)


def test_checks_of_a_comparison() -> None:
    """Every timed answer is checked by what must be true of all and what must be true of its prompt's."""
    common, own = Check("contains", "a"), Check("equals", "abc")
    setup = Setup(
        "benchmark",
        (Prompt("one"), Prompt("two", checks=(own,))),
        (Contender("s", "x"), Contender("s", "y"), Contender("s", "z")),
        repeats=2,
        checks=(common,),
    )
    cells = [
        Cell(0, "warm_up", 0, 0),
        Cell(1, "timed", 0, 0),
        Cell(2, "timed", 0, 0, 1),
        Cell(3, "timed", 0, 1),
        Cell(4, "timed", 1, 0),
        Cell(5, "timed", 1, 1),
        Cell(6, "cached", 1, 1),
        Cell(7, "timed", 2, 0),
    ]
    answers = {0: "a", 1: "a", 2: "b", 3: "abc", 4: "a", 5: "ab", 6: "abc"}
    checked = check_answers(setup, Plan(tuple(cells), ()), answers)
    assert (common, own) == checks_of(setup, 1)
    assert {1: (True,), 2: (False,), 3: (True, True), 4: (True,), 5: (True, False)} == checked.cells
    first, second, third = checked.contenders
    assert (2, 3, 2, 0.75) == (first.passed, first.answers, first.prompts, first.share)
    assert (1, 2, 2, 0.5) == (second.passed, second.answers, second.prompts, second.share)
    assert Passed(2, 0, 0, 0, None, None) == third
    assert first.interval is not None
    assert first.interval.low < 0.75 < first.interval.high


def test_repeats_do_not_narrow_the_interval() -> None:
    """A hundred answers to one prompt say no more about other prompts than one does."""
    setup = Setup("benchmark", (Prompt("q"),), (Contender("s", "x"),), repeats=100, checks=(Check("contains", "a"),))
    plan = Plan(tuple(Cell(n, "timed", 0, 0, n) for n in range(100)), ())
    many = check_answers(setup, plan, dict.fromkeys(range(100), "a")).contenders[0]
    one = check_answers(setup, plan, {0: "a"}).contenders[0]
    assert one.interval == many.interval
