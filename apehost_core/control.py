"""How the `apehost` command finds the running app: a file in the data folder that only its owner can read."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

FILE_NAME = "control.json"


class Control(BaseModel):
    """Where the running app listens and the key that its control routes ask for.

    Attributes:
        url: Base URL of the app on this machine.
        key: Bearer key, new at every start.
        pid: Process id of the app.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    key: SecretStr
    pid: int


@contextmanager
def announced(data_dir: Path, url: str, key: SecretStr) -> Generator[None, None, None]:
    """Keep the file there while the context lasts; readable and writable by its owner only."""
    path = data_dir / FILE_NAME
    path.unlink(missing_ok=True)
    text = f'{{"url": "{url}", "key": "{key.get_secret_value()}", "pid": {os.getpid()}}}'
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def read_control(data_dir: Path) -> Control | None:
    """Return what the running app announced; None when there is no file or it cannot be read."""
    try:
        return Control.model_validate_json((data_dir / FILE_NAME).read_text())
    except (OSError, ValidationError):
        return None
