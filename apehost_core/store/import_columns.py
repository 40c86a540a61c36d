"""What ApeHost's own export says of a model call or a tool call beyond what all formats have words for.

The file is anybody's: a value that is not of its column's kind counts as not there. Times measured by the ApeHost that
wrote the file are not among these columns: they stand in those for what others say.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import get_args

import orjson
from pydantic import TypeAdapter, ValidationError

from apehost_core.errors import Fault
from apehost_core.events import Outcome
from apehost_core.formats.conversation import Columns
from apehost_core.formats.lenient import mapping, moment, number, sequence, storable, whole

_Check = Callable[[object], object]
_FAULT = TypeAdapter(Fault)
_WARNINGS = TypeAdapter(tuple[str, ...])
_LARGEST_INTEGER = 2**31 - 1
_OUTCOMES = frozenset(get_args(Outcome))


def _text(value: object) -> str | None:
    return storable(value) if isinstance(value, str) and value else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _outcome(value: object) -> str | None:
    return value if isinstance(value, str) and value in _OUTCOMES else None


def _object(value: object) -> str | None:
    found = mapping(value)
    return _json(found) if found else None


def _array(value: object) -> str | None:
    found = sequence(value)
    return _json(found) if found else None


def _small(value: object) -> int | None:
    found = whole(value)
    return found if found is not None and found <= _LARGEST_INTEGER else None


def _warnings(value: object) -> str | None:
    with suppress(ValidationError):
        return _json(_WARNINGS.validate_python(value, strict=False))
    return None


def _fault(value: object) -> str | None:
    with suppress(ValidationError):
        return _json(_FAULT.validate_python(value)) if isinstance(value, dict) else None
    return None


def _json(value: object) -> str | None:
    with suppress(orjson.JSONEncodeError):
        return storable(orjson.dumps(value).decode())
    return None


_GENERATION: Mapping[str, _Check] = {
    "started_at": moment,
    "server": _text,
    "model_asked": _text,
    "model_answered": _text,
    "quantisation": _text,
    "runtime": _text,
    "sampling": _object,
    "prompt_parts": _array,
    "prompt_hash": _text,
    "tool_schema_hash": _text,
    "prompt_tokens": whole,
    "prompt_tokens_estimated": _flag,
    "completion_tokens": whole,
    "completion_tokens_estimated": _flag,
    "reasoning_tokens": whole,
    "cached_tokens": whole,
    "cold": _flag,
    "finish_reason": _text,
    "outcome": _outcome,
    "fault": _fault,
    "warnings": _warnings,
    "visible_chars": _small,
    "server_prompt_tok_s": number,
    "server_load_ms": number,
}
_TOOL_CALL: Mapping[str, _Check] = {"source": _text, "error_kind": _text, "started_at": moment}


def generation_columns(row: Columns) -> dict[str, object]:
    """Return the columns of a model call that the export's row fills; none for other programs' files."""
    return _filled(row, _GENERATION)


def tool_call_columns(row: Columns) -> dict[str, object]:
    """Return the columns of a tool call that the export's row fills; none for other programs' files."""
    return _filled(row, _TOOL_CALL)


def _filled(row: Columns, checks: Mapping[str, _Check]) -> dict[str, object]:
    found = {name: check(row[name]) for name, check in checks.items() if name in row}
    return {name: value for name, value in found.items() if value is not None}
