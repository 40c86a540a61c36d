"""The three listings of models as values."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apehost_core.lmstudio.listing import parse_native, parse_openai, parse_v0
from apehost_core.model import Instance, ModelInfo

GEMMA: dict[str, Any] = {
    "type": "llm",
    "publisher": "google",
    "key": "google/gemma-4-26b-a4b",
    "display_name": "Gemma 4 26B A4B",
    "architecture": "gemma4",
    "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
    "size_bytes": 17990911801,
    "params_string": "26B-A4B",
    "loaded_instances": [
        {
            "id": "google/gemma-4-26b-a4b",
            "config": {"context_length": 4096, "eval_batch_size": 512, "parallel": 4, "flash_attention": True},
        }
    ],
    "max_context_length": 262144,
    "format": "gguf",
    "capabilities": {
        "vision": True,
        "trained_for_tool_use": True,
        "reasoning": {"allowed_options": ["off", "on"], "default": "on"},
    },
    "description": None,
    "variants": ["google/gemma-4-26b-a4b@q4_k_m"],
    "selected_variant": "google/gemma-4-26b-a4b@q4_k_m",
}

QWEN: dict[str, Any] = {
    "id": "qwen2-vl-7b-instruct",
    "object": "model",
    "type": "vlm",
    "publisher": "mlx-community",
    "arch": "qwen2_vl",
    "compatibility_type": "mlx",
    "quantization": "4bit",
    "state": "not-loaded",
    "max_context_length": 32768,
    "loaded_context_length": 8192,
    "capabilities": ["tool_use"],
}

OPENAI = {
    "data": [{"id": "google/gemma-4-e4b", "object": "model", "owned_by": "organization_owner"}],
    "object": "list",
}

LISTINGS = pytest.mark.parametrize(
    ("parse", "root", "key"),
    [
        pytest.param(parse_native, "models", "key", id="native"),
        pytest.param(parse_v0, "data", "id", id="v0"),
        pytest.param(parse_openai, "data", "id", id="openai"),
    ],
)
Parse = Callable[[object], tuple[ModelInfo, ...]]

FIELDS = [*GEMMA, *QWEN, "meta"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)


def native(**fields: Any) -> ModelInfo:
    """Return the only model of a native listing with these fields."""
    (model,) = parse_native({"models": [{"key": "k", **fields}]})
    return model


def test_native_listing() -> None:
    """The native listing tells everything there is to know."""
    expected = ModelInfo(
        key="google/gemma-4-26b-a4b",
        name="Gemma 4 26B A4B",
        type="llm",
        state="loaded",
        publisher="google",
        architecture="gemma4",
        quantisation="Q4_K_M",
        format="gguf",
        size_bytes=17990911801,
        max_context=262144,
        loaded_context=4096,
        vision=True,
        tools=True,
        reasoning_options=("off", "on"),
        reasoning_default="on",
        params="26B-A4B",
        instances=(Instance("google/gemma-4-26b-a4b", 4096, 4),),
    )
    assert (expected,) == parse_native({"models": [GEMMA]})


def test_v0_listing() -> None:
    """The older listing tells type, state and context; a context is that of a loaded model only."""
    unloaded = ModelInfo(
        key="qwen2-vl-7b-instruct",
        name="qwen2-vl-7b-instruct",
        type="vlm",
        state="not_loaded",
        publisher="mlx-community",
        architecture="qwen2_vl",
        quantisation="4bit",
        format="mlx",
        max_context=32768,
        vision=True,
        tools=True,
    )
    assert (unloaded,) == parse_v0({"object": "list", "data": [QWEN]})
    (loaded,) = parse_v0({"object": "list", "data": [{**QWEN, "state": "loaded"}]})
    assert ("loaded", 8192) == (loaded.state, loaded.loaded_context)


def test_openai_listing() -> None:
    """The plain listing tells only ids: type and state are unknown."""
    assert (ModelInfo(key="google/gemma-4-e4b", name="google/gemma-4-e4b"),) == parse_openai(OPENAI)


def test_llama_cpp_listing() -> None:
    """llama.cpp's additions to the plain listing are read: what it lists is loaded."""
    meta = {"vocab_type": 2, "n_vocab": 49152, "n_ctx_train": 8192, "n_ctx": 4096, "n_params": 1, "size": 143000000}
    entry = {"id": "smol", "object": "model", "owned_by": "llamacpp", "created": 1, "meta": meta}
    expected = ModelInfo("smol", "smol", state="loaded", size_bytes=143000000, max_context=8192, loaded_context=4096)
    assert (expected,) == parse_openai({"object": "list", "models": [{"name": "smol"}], "data": [entry]})


def test_native_without_details() -> None:
    """What may be null or absent, as of embeddings, is unknown rather than wrong."""
    nulls = {"quantization": None, "params_string": None, "format": None, "description": None, "display_name": None}
    expected = ModelInfo("k", "k", type="embedding", state="not_loaded")
    assert expected == native(type="embedding", loaded_instances=[], **nulls)
    assert None is native(quantization={"name": None, "bits_per_weight": None}).quantisation


def test_native_instances() -> None:
    """All instances are listed; the context is that of the first one."""
    first = {"id": "k", "config": {"context_length": 4096}}
    model = native(loaded_instances=[first, {"id": "k:2", "config": {"context_length": 9}}, {}, "nonsense"])
    assert ((Instance("k", 4096), Instance("k:2", 9)), 4096, "loaded") == (
        model.instances,
        model.loaded_context,
        model.state,
    )


def test_open_sets_pass_through() -> None:
    """Reasoning options are an open set; a type nobody knows is unknown; not trained for tools is told as such."""
    model = native(
        type="hologram", capabilities={"trained_for_tool_use": False, "reasoning": {"allowed_options": ["xhigh"]}}
    )
    assert ("unknown", False, None, ("xhigh",)) == (model.type, model.tools, model.vision, model.reasoning_options)


@pytest.mark.parametrize(
    ("type_", "expected", "vision"),
    [
        ("llm", "llm", False),
        ("vlm", "vlm", True),
        ("embeddings", "embedding", False),
        ("x", "unknown", None),
        (None, "unknown", None),
    ],
)
def test_v0_types(type_: str | None, expected: str, vision: bool | None) -> None:
    """The older listing's types have their own spelling, and tell whether the model sees."""
    (model,) = parse_v0({"data": [{"id": "m", "type": type_}]})
    assert (expected, vision, "unknown", None) == (model.type, model.vision, model.state, model.tools)


@LISTINGS
def test_unknown_fields_are_tolerated(parse: Parse, root: str, key: str) -> None:
    """Fields of a later version change nothing."""
    plain = {root: [{key: "m"}]}
    assert parse(plain) == parse({"version": 2, root: [{key: "m", "future": {"a": [1]}, "flavour": "sour"}]})


@LISTINGS
def test_nonsense_entries_are_left_out(parse: Parse, root: str, key: str) -> None:
    """An entry without a usable id is left out; the others stay, in their order, doubles too."""
    entries: list[Any] = [{key: "a"}, None, 7, "x", [], {}, {key: None}, {key: 5}, {key: ""}, {key: "b"}, {key: "a"}]
    assert ["a", "b", "a"] == [model.key for model in parse({root: entries})]


@LISTINGS
@pytest.mark.parametrize("entries", [[], None, {}, "x"])
def test_nothing_listed(parse: Parse, root: str, key: str, entries: object) -> None:
    """An empty listing, or none, is no models."""
    assert () == parse({root: entries})
    assert () == parse(entries)
    assert () == parse({key: "m"})


@LISTINGS
@given(fields=st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_fields_of_any_shape(parse: Parse, root: str, key: str, fields: dict[str, Any]) -> None:
    """A field of the wrong shape is as if it were not there; the model is still listed."""
    (model,) = parse({root: [{**fields, key: "m"}]})
    assert "m" == model.key
    assert all(isinstance(value, int | None) for value in (model.size_bytes, model.max_context, model.loaded_context))
    assert all(isinstance(value, str | None) for value in (model.name, model.publisher, model.quantisation))
