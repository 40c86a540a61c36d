"""Prompts out of a file that a person gives: text, CSV or JSON lines. Pure: bytes in, prompts out.

Nothing is guessed: what cannot be read is refused by file and line, and prompts that are there twice stay twice.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, cast

from apehost_core.compare.checks import CHECK_KINDS, checked_check
from apehost_core.compare.comparison import CheckKind, Prompt
from apehost_core.compare.templates import MOST_PROMPTS, check_text, fields_of, fill, sendable
from apehost_core.errors import Fault, FaultKind, InputRefused

MOST_BYTES = 10_000_000
TEXT_SUFFIXES = (".txt",)
CSV_SUFFIXES = (".csv", ".tsv")
JSON_SUFFIXES = (".jsonl", ".ndjson")
SUFFIXES = (*TEXT_SUFFIXES, *CSV_SUFFIXES, *JSON_SUFFIXES)

_PROMPT_NAMES = ("prompt", "text", "question")
_DELIMITERS = (",", ";", "\t")
_RULE = re.compile(r"-{3,}\s*")
_NO_CELLS: list[str] = []
_LONGEST_NAME = 80
_KNOWN = "The first line names the columns; one of them is prompt, text or question."
_ONE_OBJECT = 'Each line is one object such as {"prompt": "What is a lane?", "topic": "traffic"}.'


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line or row, before it is a prompt.

    Attributes:
        line: Where it begins, from 1.
        text: The prompt; fields in it are not yet filled.
        topic: Empty when not said.
        checks: Kind and value of each.
        variables: The other columns, as text.
    """

    line: int
    text: str
    topic: str
    checks: tuple[tuple[CheckKind, str], ...]
    variables: tuple[tuple[str, str], ...]


def from_file(name: str, content: bytes) -> list[Prompt]:
    """Return the prompts of a file, in its order.

    A text file holds blocks between lines of `---`, or one prompt a line. CSV and JSON lines hold a prompt (or text, or
    question; of JSON also OpenAI's messages, of which the last one of the user is asked), and optionally topic,
    contains, regex, equals and json_schema. Whatever else they hold fills the fields of their own prompt.

    Args:
        name: The file's name; how it ends says what it is.
        content: UTF-8, with or without a byte order mark.

    Raises:
        InputRefused: It cannot be read; the fault names file and line.
    """
    shown = _shown(name)
    suffix = PurePath(name).suffix.casefold()
    if suffix not in SUFFIXES:
        advice = f"Prompts are read from files that end in {', '.join(SUFFIXES)}."
        raise _refused(f"{shown} is of no kind that can be read", advice=advice)
    text = _decoded(shown, content)
    if suffix in TEXT_SUFFIXES:
        return from_text(text, shown)
    entries = _csv_entries(shown, text) if suffix in CSV_SUFFIXES else _json_entries(shown, text)
    return _prompts(shown, entries)


def from_text(text: str, name: str = "The text") -> list[Prompt]:
    """Return the prompts of a text: blocks between lines of `---` if there are such lines, else one a line.

    Args:
        text: What a person typed, or a file holds.
        name: What errors call it.

    Raises:
        InputRefused: There is none, there are too many, or one is too long.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    pieces = _blocks(lines) if any(_RULE.fullmatch(line) for line in lines) else enumerate(lines, 1)
    entries = (_Entry(line, piece.strip(), "", (), ()) for line, piece in pieces if piece.strip())
    return _prompts(name, entries)


def _blocks(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield each block with the number of its first line that is not empty."""
    block: list[str] = []
    begin = 1
    for number, line in enumerate([*lines, "---"], 1):
        if _RULE.fullmatch(line):
            yield begin, "\n".join(block)
            block = []
        elif block or line.strip():
            begin = begin if block else number
            block.append(line)


def _prompts(name: str, entries: Iterator[_Entry]) -> list[Prompt]:
    prompts: list[Prompt] = []
    for entry in entries:
        if len(prompts) == MOST_PROMPTS:
            title = f"{name} has more than {MOST_PROMPTS:,} prompts"
            raise _refused(title, advice="Divide it into several comparisons.", kind="input_too_large")
        try:
            prompts.append(_prompt(entry))
        except InputRefused as refused:
            raise _at(name, entry.line, refused) from refused
    if not prompts:
        raise _refused(f"{name} holds no prompts", advice="Write one a line, or blocks between lines of ---.")
    return prompts


def _prompt(entry: _Entry) -> Prompt:
    values = dict(entry.variables)
    text = sendable(fill(entry.text, values) if values and fields_of(entry.text) else entry.text)
    check_text(text)
    checks = tuple(checked_check(kind, value) for kind, value in entry.checks)
    return Prompt(text, sendable(entry.topic), variables=entry.variables, checks=checks)


def _csv_entries(name: str, text: str) -> Iterator[_Entry]:
    reader, header, asked = _csv_header(name, text)
    end = reader.line_num
    try:
        for row in reader:
            begin, end = end + 1, reader.line_num
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > len(header):
                cause = f"It has {len(row)} cells, and the first line names {len(header)} columns."
                advice = "Quote cells that hold the separator."
                raise _refused(f"{name}, line {begin} has too many cells", cause=cause, advice=advice)
            cells = [cell.replace("\r\n", "\n") for cell in row] + [""] * (len(header) - len(row))
            yield _entry(begin, asked, [(key, (cell,)) for key, cell in zip(header, cells, strict=True) if key])
    except csv.Error as error:
        cause, advice = f"{error}.".capitalize(), "Quote cells, and write each double quote in them twice."
        raise _refused(f"{name}, line {end + 1} is no CSV", cause=cause, advice=advice) from None


def _csv_header(name: str, text: str) -> tuple[Any, list[str], str]:
    """Return a reader behind the first row, the names in that, and the one of the prompts.

    The separator is the one that makes sense of the first row.
    """
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            header = [cell.strip() for cell in next(reader, _NO_CELLS)]
        except csv.Error as error:
            raise _refused(f"{name}, line 1 is no CSV", cause=f"{error}.".capitalize(), advice=_KNOWN) from None
        asked = _asked_in(header)
        if asked is None:
            continue
        keys = [column.casefold() for column in header if column]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise _refused(f"{name}, line 1 names the column {_shown(twice)} twice", advice="Rename one of them.")
        return reader, header, asked
    raise _refused(f"{name}, line 1 names no column prompt", advice=_KNOWN)


def _json_entries(name: str, text: str) -> Iterator[_Entry]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value: object = json.loads(line)
        except ValueError as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "A number is too long"
            raise _refused(f"{name}, line {number} is no JSON", cause=f"{reason}.", advice=_ONE_OBJECT) from None
        except RecursionError:
            raise _refused(f"{name}, line {number} is nested too deeply", advice=_ONE_OBJECT) from None
        if not isinstance(value, dict):
            raise _refused(f"{name}, line {number} is no JSON object", advice=_ONE_OBJECT)
        try:
            yield _json_entry(number, cast("dict[str, Any]", value))
        except InputRefused as refused:
            raise _at(name, number, refused) from refused


def _json_entry(line: int, value: dict[str, Any]) -> _Entry:
    asked = _asked_in(value)
    cells = [(key, _texts(key, item)) for key, item in value.items() if key not in ("messages", asked)]
    if asked is not None:
        if not isinstance(value[asked], str):
            raise _refused(f"Its {asked} is no text", advice=_ONE_OBJECT)
        return _entry(line, asked, [(asked, (value[asked],)), *cells])
    return _entry(line, "messages", [("messages", (_last_question(value.get("messages")),)), *cells])


def _texts(key: str, item: object) -> tuple[str, ...]:
    """Return a value as texts: of a list of checks each, of anything else one."""
    if isinstance(item, list) and key.casefold() in CHECK_KINDS and key.casefold() != "json_schema":
        return tuple(_as_text(one) for one in cast("list[object]", item))
    return (_as_text(cast("object", item)),)


def _as_text(item: object) -> str:
    if item is None:
        return ""
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


def _last_question(messages: object) -> str:
    """Return the text of the last message of the user, in OpenAI's form."""
    all_of_them = cast("list[object]", messages) if isinstance(messages, list) else []
    questions = [found for found in map(_object, all_of_them) if found.get("role") == "user"]
    if not questions:
        raise _refused("It holds no prompt", advice=_ONE_OBJECT)
    content = questions[-1].get("content")
    if isinstance(content, str):
        return content
    texts = [_object(part).get("text") for part in cast("list[object]", content if isinstance(content, list) else [0])]
    if not all(isinstance(text, str) for text in texts):
        raise _refused("Its last question is more than text", advice="Only text can be compared, no images or files.")
    return "".join(cast("list[str]", texts))


def _object(value: object) -> dict[str, Any]:
    """Return a JSON object; an empty one in place of anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _asked_in(names: Iterable[str]) -> str | None:
    """Return which of a line's names is the one of the prompt."""
    by_key = {name.casefold(): name for name in reversed([*names])}
    return next((by_key[known] for known in _PROMPT_NAMES if known in by_key), None)


def _entry(line: int, asked: str, cells: Sequence[tuple[str, tuple[str, ...]]]) -> _Entry:
    """Sort the named texts of one line; what is not known is a variable."""
    text = topic = ""
    checks: list[tuple[CheckKind, str]] = []
    variables: list[tuple[str, str]] = []
    for name, values in cells:
        key = name.casefold()
        if name == asked:
            text = values[0]
        elif key == "topic":
            topic = values[0].strip()
        elif key in CHECK_KINDS:
            kind = CHECK_KINDS[key]
            checks.extend((kind, value) for value in values if value.strip())
        else:
            variables.append((sendable(name), sendable(values[0])))
    return _Entry(line, text, topic, tuple(checks), tuple(variables))


def _decoded(name: str, content: bytes) -> str:
    if len(content) > MOST_BYTES:
        title = f"{name} has {len(content):,} bytes; {MOST_BYTES:,} are the most"
        raise _refused(title, advice="Divide it into several files.", kind="input_too_large")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        title = f"{name}, line {line} is not UTF-8"
        cause = f"Byte {error.start + 1:,} of the file cannot be read."
        raise _refused(title, cause=cause, advice="Save the file as UTF-8.") from None


def _at(name: str, line: int, refused: InputRefused) -> InputRefused:
    """Return the refusal with file and line in front of what was wrong."""
    fault = refused.fault
    return InputRefused(replace(fault, title=f"{name}, line {line}: {fault.title[0].lower()}{fault.title[1:]}"))


def _shown(name: str) -> str:
    """Return a name of the person's own for an error: one short line."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in sendable(name)).split())
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + "…"


def _refused(title: str, *, cause: str = "", advice: str = "", kind: FaultKind = "bad_request") -> InputRefused:
    return InputRefused(Fault(kind=kind, title=title, cause=cause, advice=advice))
