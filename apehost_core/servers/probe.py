"""What a test of an address finds, in words. Looks only: it loads nothing and spends no token."""

import time
from dataclasses import dataclass

from apehost_core.errors import Fault, ServerError
from apehost_core.lmstudio import Identity, LmStudioClient
from apehost_core.model import ModelInfo

_NAMED = 3
_NOT_NATIVE = "It is no LM Studio: chatting works, loading, unloading and downloading models does not."
_KINDS: dict[str, str] = {
    "lm_studio": "LM Studio",
    "llama.cpp": "llama.cpp",
    "ollama": "Ollama",
    "openai_compatible": "An OpenAI-compatible server",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What answers at an address.

    Attributes:
        sentences: In words; empty when nothing can be used there.
        fault: Why it cannot be used; None when it can.
    """

    sentences: tuple[str, ...] = ()
    fault: Fault | None = None

    @property
    def ok(self) -> bool:
        """Whether the server can be used."""
        return self.fault is None


async def probe(client: LmStudioClient, *, has_token: bool) -> Finding:
    """Return what answers at a client's address."""
    begun = time.perf_counter()
    try:
        identity = await client.identify(kind="test")
        models = await client.models(kind="test")
    except ServerError as error:
        return Finding(fault=error.fault)
    ms = (time.perf_counter() - begun) * 1000
    return Finding(tuple(_sentences(identity, models, ms, has_token=has_token)))


def _sentences(identity: Identity, models: tuple[ModelInfo, ...], ms: float, *, has_token: bool) -> list[str]:
    found = [f"{_KINDS[identity.kind]} answers, in {ms:.0f} ms."]
    if identity.kind != "lm_studio":
        found.append(_NOT_NATIVE)
    found.append(_about(models))
    found.append("The token was accepted." if has_token else "No token is needed.")
    return found


def _about(models: tuple[ModelInfo, ...]) -> str:
    if not models:
        return "It lists no models yet: download one there, or load one if just-in-time loading is off."
    count = f"{len(models)} model{'s' if len(models) > 1 else ''}"
    loaded = [model.name for model in models if model.state == "loaded"]
    if not loaded:
        unknown = any(model.state == "unknown" for model in models)
        return f"It has {count}." if unknown else f"It has {count}, none of them loaded."
    more = f" and {len(loaded) - _NAMED} more" if len(loaded) > _NAMED else ""
    return f"It has {count}; loaded: {', '.join(loaded[:_NAMED])}{more}."
