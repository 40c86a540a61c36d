"""What a server's refusal means for the load, the unload or the download that was asked of it, in words.

The faults of the wire speak of answers; here they are told again for administration. Sources: api notes 0.7, 1.7, 9
(how LM Studio refuses to unload an instance that is not there is not known: any words to that effect count).
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

from apehost_core.errors import Fault, FaultKind, ModelNotFound, ServerError
from apehost_core.lmstudio.endpoint import Endpoint

Action = Literal["load", "unload", "download"]

_UNKNOWN_THING = re.compile(
    r"\b(model|instance)s?\b.*\b(not (found|loaded|exist)|does(n't| not) exist|unknown)"
    r"|\b(no|unknown|invalid|cannot find|could not find)( \w+){0,3} (model|instance)\b",
    re.IGNORECASE,
)
_UNKNOWN_JOB = re.compile(r"job_not_found|\bjob\b.*\bnot found", re.IGNORECASE)
_MAYBE_UNKNOWN: tuple[FaultKind, ...] = ("wrong_endpoint", "bad_request", "server_error")
_STILL_LOADING = "It may still be loading. Look at what is loaded there before you load it again."
_TOO_OLD = "LM Studio can from version 0.4 on. Do it on that machine."
_WORDS: dict[tuple[Action, FaultKind], tuple[str, str]] = {
    ("load", "model_not_found"): (
        "{name} does not have this model",
        "Download it on the Servers page or in LM Studio, or pick another model.",
    ),
    ("load", "silent"): ("{name} did not say in time that the model is loaded", _STILL_LOADING),
    ("load", "stalled"): ("{name} fell silent while the model was loaded", _STILL_LOADING),
    ("load", "cut"): ("{name} broke the connection while the model was loaded", _STILL_LOADING),
    ("load", "wrong_endpoint"): ("{name} cannot be told to load a model", _TOO_OLD),
    ("unload", "model_not_found"): (
        "{name} has not loaded this model",
        "It may have been unloaded meanwhile; the next check of the server tells.",
    ),
    ("unload", "wrong_endpoint"): ("{name} cannot be told to unload a model", _TOO_OLD),
    ("download", "model_not_found"): (
        "{name} finds no such model to download",
        "Check its name: one of LM Studio's catalogue, or the address of a model on Hugging Face.",
    ),
    ("download", "wrong_endpoint"): ("{name} cannot be told to download a model", _TOO_OLD),
}


@contextmanager
def retold(action: Action, endpoint: Endpoint) -> Generator[None, None, None]:
    """Give the ServerErrors of the context the words that fit the action."""
    try:
        yield
    except ServerError as error:
        raise _error(error, action, endpoint) from None


def _error(error: ServerError, action: Action, endpoint: Endpoint) -> ServerError:
    fault = error.fault
    if action == "download" and _UNKNOWN_JOB.search(fault.cause):
        return type(error)(_lost_job(fault, endpoint))
    if fault.kind in _MAYBE_UNKNOWN and _UNKNOWN_THING.search(fault.cause):
        fault = replace(fault, kind="model_not_found", retryable=False)
    words = _WORDS.get((action, fault.kind))
    if words is None:
        return error
    title, advice = words
    fault = replace(fault, title=title.format(name=endpoint.name), advice=advice)
    if advice == _STILL_LOADING:
        fault = replace(fault, retryable=False)
    return (ModelNotFound if fault.kind == "model_not_found" else type(error))(fault)


def _lost_job(fault: Fault, endpoint: Endpoint) -> Fault:
    return replace(
        fault,
        kind="bad_request",
        title=f"{endpoint.name} does not know this download any more",
        advice="Look there whether it is complete, or start it again.",
        retryable=False,
    )
