"""How the `apehost` command finds and asks the running app: a file in the data folder, for its owner only."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from apehost_core.errors import Fault, StoreError

FILE_NAME = "control.json"
_PATIENCE_S = 600


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


def ask_for_backup(running: Control, destination: Path) -> bool:
    """Have the running app write a copy of its database; False when nothing answers there.

    Raises:
        StoreError: It refused, with its words.
    """
    request = urllib.request.Request(
        f"{running.url}/api/backup",
        data=json.dumps({"destination": str(destination)}).encode(),
        headers={"Authorization": f"Bearer {running.key.get_secret_value()}", "Content-Type": "application/json"},
        method="POST",
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        direct.open(request, timeout=_PATIENCE_S).close()
    except urllib.error.HTTPError as error:
        with error:
            raise StoreError(_refusal(error)) from None
    except OSError:
        return False
    return True


class _Problem(BaseModel):
    """The part of a problem document that people read."""

    title: str = ""
    detail: str = ""


def _refusal(error: urllib.error.HTTPError) -> Fault:
    try:
        said = _Problem.model_validate_json(error.read())
    except ValidationError:
        said = _Problem()
    title = said.title or f"The running ApeHost refused (status {error.code})"
    return Fault(kind="store", title=title, cause=said.detail)
