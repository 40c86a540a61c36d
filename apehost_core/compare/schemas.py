"""JSON schemas that answers must fit. Pure, and bounded.

Schemas and answers are both other people's text: nothing is ever fetched that a schema points to, expressions in it run
with a time limit, and its recursion is counted.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import referencing
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import SchemaError, ValidationError
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from apehost_core.compare.expressions import checked_expression, found_in
from apehost_core.errors import Fault, InputRefused

MOST_SCHEMA_CHARS = 20_000
MOST_STEPS = 50_000
"""Keywords that are looked at for one answer, before it counts as one that does not fit."""
_MOST_CAUSE = 200
_FENCED = re.compile(
    r"\A\s*(`{3,}|~{3,})[ \t]*(?:json[c5]?)?[ \t]*\r?\n(.*?)\r?\n[ \t]*\1[ \t]*\s*\Z", re.DOTALL | re.I
)
_Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]


class _TooMuch(Exception):
    """A schema is not done with an answer after as many steps as it may have."""


@dataclass(slots=True)
class _Steps:
    left: int = 0

    def take(self) -> None:
        if self.left == 0:
            raise _TooMuch
        self.left -= 1


@dataclass(slots=True)
class Schema:
    """A schema that was looked at, for one thread at a time.

    Attributes:
        document: As read.
    """

    document: dict[str, Any]
    _steps: _Steps = field(default_factory=_Steps)
    _validator: Any = field(init=False)

    def __post_init__(self) -> None:
        keywords: dict[str, _Keyword] = dict(Draft202012Validator.VALIDATORS)
        keywords |= {"pattern": _pattern, "uniqueItems": _unique_items}
        counted = {name: self._counted(keyword) for name, keyword in keywords.items()}
        bounded = cast("Any", validators).extend(Draft202012Validator, counted)
        self._validator = bounded(self.document, registry=referencing.Registry[Any]())

    def fits(self, answer: str) -> bool:
        """Whether an answer is JSON, alone or in a fence, that fits the schema."""
        try:
            value = _parsed(without_fence(answer))
        except (ValueError, RecursionError):
            return False
        self._steps.left = MOST_STEPS
        try:
            return bool(self._validator.is_valid(value))
        except (_TooMuch, TimeoutError, RecursionError, OverflowError, Unresolvable):
            return False

    def _counted(self, keyword: _Keyword) -> _Keyword:
        def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError] | None:
            self._steps.take()
            return keyword(validator, value, instance, schema)

        return counted


def checked_schema(text: str) -> Schema:
    """Return the schema that a text says, in JSON Schema's draft 2020-12.

    Raises:
        InputRefused: It is none, points outside of itself or to nothing, or names properties by expressions.
    """
    if len(text) > MOST_SCHEMA_CHARS:
        raise _refused(f"The schema has {len(text):,} characters; {MOST_SCHEMA_CHARS:,} are the most")
    try:
        parsed = _parsed(text)
        if not isinstance(parsed, dict):
            raise _refused("The schema is no JSON object")
        document = cast("dict[str, Any]", parsed)
        _check_parts(document)
        Draft202012Validator.check_schema(document)
    except SchemaError as error:
        raise _refused("The schema breaks the rules of JSON Schema", cause=_short(error.message)) from None
    except ValueError as error:
        raise _refused("The schema is no JSON", cause=_short(str(error))) from None
    except RecursionError:
        raise _refused("The schema is nested too deeply") from None
    return Schema(document)


def without_fence(answer: str) -> str:
    """Return an answer without the Markdown fence that is around all of it, if one is."""
    found = _FENCED.match(answer)
    return found.group(2) if found else answer


def _check_parts(document: dict[str, Any]) -> None:
    resolver = referencing.Registry[Any]().resolver_with_root(DRAFT202012.create_resource(document))
    for name, value in _members(document):
        if name in ("$ref", "$dynamicRef") and isinstance(value, str):
            if not value.startswith("#"):
                title = f"The schema points to {_short(value)}, outside of itself"
                raise _refused(title, advice="Put what it points to under $defs; nothing is fetched.")
            try:
                resolver.lookup(value)
            except Unresolvable:
                raise _refused(f"The schema points to {_short(value)}, which it does not hold") from None
        elif name == "patternProperties" and isinstance(value, dict):
            raise _refused("The schema has patternProperties", advice="Name the properties under properties instead.")
        elif name == "pattern" and isinstance(value, str):
            checked_expression(value)


def _members(document: object) -> Iterator[tuple[str, object]]:
    """Yield name and value of every member of every object within."""
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            members = cast("dict[str, object]", node)
            yield from members.items()
            waiting += members.values()
        elif isinstance(node, list):
            waiting += cast("list[object]", node)


def _pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not found_in(instance, checked_expression(pattern)):
        yield ValidationError("It does not match the pattern")


def _unique_items(validator: Any, wanted: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """Do as JSON Schema says in one pass: the library compares each with each where items are of several types."""
    if wanted and validator.is_type(instance, "array"):
        items = cast("list[object]", instance)
        if len({json.dumps(item, sort_keys=True) for item in items}) < len(items):
            yield ValidationError("Two of its items are the same")


def _parsed(text: str) -> object:
    return json.loads(text, parse_constant=_no_number, parse_float=_number)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _number(digits: str) -> float | int:
    """Return a number as JSON Schema sees it: 1.0 is 1."""
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError("A number is too large")
    return int(value) if value.is_integer() else value


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CAUSE else text[: _MOST_CAUSE - 1] + "…"


def _refused(title: str, *, cause: str = "", advice: str = "Correct it, or leave it out.") -> InputRefused:
    return InputRefused(Fault(kind="bad_request", title=title, cause=cause, advice=advice))
