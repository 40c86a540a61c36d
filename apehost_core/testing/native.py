"""Models of a simulated server over /api/v1: load, unload, download. Keys are strict. Source: api notes 1.7."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from apehost_core.testing.completions import limit_of, read_object
from apehost_core.testing.listings import load_config
from apehost_core.testing.memory import LoadFailed
from apehost_core.testing.state import SimState, native_error

_LOAD_KEYS = frozenset(
    (
        "model",
        "context_length",
        "eval_batch_size",
        "flash_attention",
        "num_experts",
        "offload_kv_cache_to_gpu",
        "echo_load_config",
    )
)


class NativeModels:
    """What can be done with models."""

    def __init__(self, state: SimState) -> None:
        self._state = state
        self.routes = [
            Route("/api/v1/models/load", self._load, methods=["POST"]),
            Route("/api/v1/models/unload", self._unload, methods=["POST"]),
            Route("/api/v1/models/download", self._download, methods=["POST"]),
            Route("/api/v1/models/download/status/{job}", self._status),
        ]

    async def _load(self, request: Request) -> Response:
        body = await read_strictly(request, _LOAD_KEYS)
        if isinstance(body, Response):
            return body
        model = self._state.known(str(body.get("model")))
        if model is None:
            return not_found(str(body.get("model")))
        try:
            loading = self._state.memory.begin(model, "explicit", context=limit_of(body.get("context_length")))
            instance = await loading.wait()
        except LoadFailed as error:
            return JSONResponse(load_failure(model.key, error), 500)
        answer = {
            "type": "embedding" if model.embedding else "llm",
            "instance_id": instance.id,
            "load_time_seconds": loading.record.seconds,
            "status": "loaded",
        }
        asked = {key: body[key] for key in load_config(instance) if key in body}
        echo = {"load_config": load_config(instance) | asked} if body.get("echo_load_config") else {}
        return JSONResponse(answer | echo)

    async def _unload(self, request: Request) -> Response:
        body = await read_strictly(request, frozenset(("instance_id",)))
        if isinstance(body, Response):
            return body
        instance_id = str(body.get("instance_id"))
        return (
            JSONResponse({"instance_id": instance_id})
            if self._state.memory.unload(instance_id)
            else not_found(instance_id, param="instance_id")
        )

    async def _download(self, request: Request) -> Response:
        body = await read_strictly(request, frozenset(("model", "quantization")))
        if isinstance(body, Response):
            return body
        name = str(body.get("model"))
        found = [model for model in self._state.models if model.key.casefold() == name.casefold()]
        return JSONResponse(self._state.downloads.begin(found[0])) if found else not_found(name)

    async def _status(self, request: Request) -> Response:
        job: str = request.path_params["job"]
        status = self._state.downloads.status(job)
        if status is None:
            return JSONResponse(native_error(f"Job '{job}' not found", "job_not_found", kind="job_not_found"), 404)
        return JSONResponse(status)


async def read_strictly(request: Request, keys: frozenset[str]) -> dict[str, Any] | Response:
    """Return the JSON object that a request carries, or the refusal, also of a key that is not among these."""
    body = await read_object(request)
    if isinstance(body, Response):
        return body
    unknown = ", ".join(f"'{key}'" for key in body if key not in keys)
    if unknown:
        return JSONResponse(native_error(f"Unrecognized key(s) in object: {unknown}", "unrecognized_keys"), 400)
    return body


def not_found(name: str, *, param: str = "model") -> Response:
    """Return the refusal of a model or an instance that is not there."""
    return JSONResponse(
        native_error(f"Model '{name}' not found", "model_not_found", param=param, kind="model_not_found"), 404
    )


def load_failure(key: str, error: LoadFailed) -> dict[str, Any]:
    """Return the body of a load that came to nothing."""
    return {"error": {"type": "model_load_failed", "message": f"Failed to load LLM '{key}'. Error: {error}"}}
