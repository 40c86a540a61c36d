"""Listings of the simulator: the three of them agree with what it has in memory. Sources: api notes 1.1, 1.6, 1.7."""

import pytest

from apehost_core.testing.simulator import SimModel, Simulator
from tests.integration.simulated import client_of

pytestmark = pytest.mark.anyio

SEES = SimModel(
    "sees", vision=True, tools=False, reasoning_options=("off", "on"), reasoning_default="on", parallel=2, size_bytes=5
)
MODELS = (SEES, SimModel("cold", loaded=False), SimModel("embedder", embedding=True), SimModel("far", downloaded=False))


async def test_the_native_listing() -> None:
    """It has everything on the disk, with instances, capabilities and sizes; embedding models say less."""
    simulator = Simulator(*MODELS)
    async with client_of(simulator) as client:
        await client.post("/api/v1/models/load", json={"model": "sees", "context_length": 8192})
        sees, cold, embedder = (await client.get("/api/v1/models")).json()["models"]
    instances = [
        (one["id"], one["config"]["context_length"], one["config"]["parallel"]) for one in sees["loaded_instances"]
    ]
    assert [("sees", 4096, 2), ("sees:2", 8192, 2)] == instances
    assert {
        "vision": True,
        "trained_for_tool_use": False,
        "reasoning": {"allowed_options": ["off", "on"], "default": "on"},
    } == sees["capabilities"]
    assert ("simulator", "sim", "1B", 5) == tuple(
        sees[name] for name in ("publisher", "architecture", "params_string", "size_bytes")
    )
    assert ("llm", [], {"vision": False, "trained_for_tool_use": True}) == tuple(
        cold[name] for name in ("type", "loaded_instances", "capabilities")
    )
    assert ("embedding", False) == (embedder["type"], "capabilities" in embedder)


async def test_the_v0_listing() -> None:
    """It says state, type and contexts; a further instance has an entry under its own id."""
    simulator = Simulator(*MODELS)
    async with client_of(simulator) as client:
        await client.post("/api/v1/models/load", json={"model": "sees", "context_length": 8192})
        listed = (await client.get("/api/v0/models")).json()["data"]
        one = (await client.get("/api/v0/models/cold")).json()
        missing = await client.get("/api/v0/models/far")
    assert [
        ("sees", "vlm", "loaded", 4096, []),
        ("sees:2", "vlm", "loaded", 8192, []),
        ("cold", "llm", "not-loaded", None, ["tool_use"]),
        ("embedder", "embeddings", "loaded", 4096, []),
    ] == [(e["id"], e["type"], e["state"], e.get("loaded_context_length"), e["capabilities"]) for e in listed]
    assert listed[2] == one
    assert (404, "model_not_found") == (missing.status_code, missing.json()["error"]["code"])


@pytest.mark.parametrize(
    ("jit", "ids"), [(True, ["sees", "sees:2", "cold", "embedder"]), (False, ["sees", "sees:2", "embedder"])]
)
async def test_the_openai_listing(jit: bool, ids: list[str]) -> None:
    """It has everything on the disk where requests load models, and else only what is loaded."""
    async with client_of(Simulator(*MODELS, jit=jit)) as client:
        await client.post("/api/v1/models/load", json={"model": "sees"})
        listed = (await client.get("/v1/models")).json()["data"]
    assert ids == [entry["id"] for entry in listed]


@pytest.mark.parametrize(
    ("simulator", "there"),
    [
        (Simulator(), ["/api/v1/models", "/api/v0/models", "/v1/models", "/lmstudio-greeting"]),
        (Simulator(v0=False), ["/api/v1/models", "/v1/models", "/lmstudio-greeting"]),
        (Simulator(native=False), ["/v1/models"]),
    ],
    ids=["new", "without v0", "no LM Studio"],
)
async def test_what_a_server_has(simulator: Simulator, there: list[str]) -> None:
    """What it does not have is answered with 200 and an error, as everything unknown."""
    paths = ["/api/v1/models", "/api/v0/models", "/v1/models", "/lmstudio-greeting"]
    async with client_of(simulator) as client:
        answers = {path: (await client.get(path)).json() for path in paths}
    assert there == [path for path in paths if "error" not in answers[path]]


async def test_a_token_guards_all_but_the_greeting() -> None:
    """Without it every listing, load and answer is refused with 401; a token that is set later holds at once."""
    simulator = Simulator()
    async with client_of(simulator) as client:
        assert 200 == (await client.get("/api/v1/models")).status_code
        simulator.token = "sk-lm-AbCdEfGh:01234567890123456789"
        gets = ["/api/v1/models", "/api/v0/models", "/v1/models", "/api/v1/models/download/status/x"]
        posts = ["/v1/chat/completions", "/api/v0/chat/completions", "/api/v1/chat", "/api/v1/models/load"]
        refused = [await client.get(path) for path in gets] + [await client.post(path, json={}) for path in posts]
        assert {(401, "invalid_api_key")} == {(one.status_code, one.json()["error"]["code"]) for one in refused}
        assert 200 == (await client.get("/lmstudio-greeting")).status_code
        headers = {"Authorization": f"Bearer {simulator.token}"}
        assert 200 == (await client.get("/api/v1/models", headers=headers)).status_code
