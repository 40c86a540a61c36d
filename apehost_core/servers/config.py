"""Which servers there are, and where the ones that were added on the page are kept: a file that only its owner reads.

Addresses and tokens never go into the database, so no copy or export of it holds one. The file is written whole to
a neighbour and renamed, so a crash leaves the old one or the new one.
"""

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from apehost_core.errors import ConfigError, Fault
from apehost_core.servers.views import Origin

FILE_NAME = "servers.json"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """One server as it was named.

    Attributes:
        name: Unique, whatever its case.
        base_url: Root of its API (see `lmstudio.normalise_base_url`); never shown.
        token: None when it needs none.
        origin: Who named it; only those of the page can be changed there.
        enabled: False: it is neither looked at nor asked.
        swaps: Models may be loaded while another one answers.
        parallel: Requests it is given at a time; None learns it from the server.
    """

    name: str
    base_url: SecretStr
    token: SecretStr | None = None
    origin: Origin = "environment"
    enabled: bool = True
    swaps: bool = False
    parallel: int | None = None


class Entry(BaseModel):
    """A server of the page, as the file has it; fields as in ServerConfig."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f|]+$")
    base_url: str = Field(repr=False, pattern=r"^https?://.+")
    token: str | None = Field(default=None, repr=False)
    enabled: bool = True
    swaps: bool = False
    parallel: int | None = Field(default=None, ge=1, le=256)

    @classmethod
    def of(cls, config: ServerConfig) -> "Entry":
        """Return the entry of a server."""
        return cls(
            name=config.name,
            base_url=config.base_url.get_secret_value(),
            token=config.token.get_secret_value() if config.token else None,
            enabled=config.enabled,
            swaps=config.swaps,
            parallel=config.parallel,
        )

    def config(self) -> ServerConfig:
        """Return the server of the entry."""
        token = SecretStr(self.token) if self.token else None
        return ServerConfig(self.name, SecretStr(self.base_url), token, "page", self.enabled, self.swaps, self.parallel)


class Kept(BaseModel):
    """What the file holds.

    Attributes:
        servers: Those of the page.
        order: Names of all servers, first choice first; servers that are not named come after them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    servers: tuple[Entry, ...] = ()
    order: tuple[str, ...] = ()


class ServerFile:
    """The file of the servers that were added on the page. Methods block."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def read(self) -> Kept:
        """Return what is kept; nothing when there is no file.

        Raises:
            ConfigError: The file cannot be read or understood; it is left as it is.
        """
        try:
            text = self._path.read_text("utf-8")
        except FileNotFoundError:
            return Kept()
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(self._path, type(error).__name__) from None
        try:
            return Kept.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(step) for step in first["loc"])
            raise _unreadable(self._path, f"{where}: {first['msg']}") from None

    def write(self, kept: Kept) -> None:
        """Replace what is kept.

        Raises:
            ConfigError: It could not be written; the old file stands.
        """
        try:
            handle, beside = tempfile.mkstemp(dir=self._path.parent, prefix=f".{FILE_NAME}-")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(kept.model_dump_json(indent=2))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(beside, self._path)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside)
                raise
        except OSError as error:
            raise ConfigError(
                Fault(
                    kind="config",
                    title=f"The servers could not be saved in {self._path}",
                    cause=error.strerror or type(error).__name__,
                    advice="Free space or mend the folder's permissions, then save again. Nothing was changed.",
                )
            ) from None


def _unreadable(path: Path, problem: str) -> ConfigError:
    return ConfigError(
        Fault(
            kind="config",
            title=f"{path} cannot be understood",
            cause=problem,
            advice="Repair it, or move it away to begin with the servers of the settings alone.",
        )
    )
