"""Settings: read once from the environment, `.env` and an optional TOML file, checked, then never changed.

Names in the environment are the field names in capitals with `APEHOST_` before them. `LMSTUDIO_SERVERS`
("Name|url,Name|url") and the token names that LM Studio's own tools read are understood too. A name that
starts with `APEHOST_` and is no setting stops the start, as a wrong value does.
"""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from apehost_core.errors import ConfigError, Fault

PREFIX = "APEHOST_"
SERVER_LIST_NAME = "LMSTUDIO_SERVERS"
TOKEN_NAMES = ("LM_API_TOKEN", "LMSTUDIO_API_TOKEN")
CONFIG_NAME = "APEHOST_CONFIG"
_SERVER_EXAMPLE = 'LMSTUDIO_SERVERS="Gaming PC|http://192.0.2.10:1234,Laptop|http://localhost:1234"'


def clean_token(text: str) -> str:
    """Return a token without what is pasted around it: quotes, and the word Bearer.

    Raises:
        ValueError: It holds a character that no header field can carry; what it is is not said.
    """
    token = text.strip().strip("\"'").strip()
    token = re.sub(r"^Bearer\s+", "", token, flags=re.IGNORECASE)
    if not all(33 <= ord(character) <= 126 for character in token):
        raise ValueError("a token has only letters, digits and signs; copy it whole, not its masked form")
    return token


class ServerEntry(BaseModel):
    """One server as the settings name it.

    Attributes:
        name: What people call it; unique. Control characters and "|" are refused.
        url: Base URL; never shown, logged or sent to a browser.
        token: API token; None when the server needs none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f|]+$")
    url: SecretStr
    token: SecretStr | None = None

    @field_validator("token")
    @classmethod
    def _can_be_sent(cls, token: SecretStr | None) -> SecretStr | None:
        return SecretStr(clean_token(token.get_secret_value())) if token else None

    @field_validator("url")
    @classmethod
    def _looks_like_a_url(cls, url: SecretStr) -> SecretStr:
        text = url.get_secret_value().strip()
        if not text.startswith(("http://", "https://")) or len(text.split("//", 1)[1]) == 0:
            raise ValueError("must begin with http:// or https:// and name a host")
        return SecretStr(text)


class Settings(BaseSettings):
    """All settings with their defaults. Every field is documented in `.env.example`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    servers: Annotated[tuple[ServerEntry, ...], NoDecode] = Field(
        default=(), description="Servers as a JSON array", examples=[_SERVER_EXAMPLE]
    )
    default_token: SecretStr | None = Field(
        default=None,
        description="Token for servers that have none of their own; LM_API_TOKEN and LMSTUDIO_API_TOKEN too",
        examples=["LM_API_TOKEN=sk-lm-..."],
    )
    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("apehost", appauthor=False)),
        description="Folder of the database",
        examples=["APEHOST_DATA_DIR=/srv/apehost"],
    )
    lmstudio_folder: Path | None = Field(
        default=None,
        description="Folder of LM Studio's chats that are imported as they change; empty: none is watched",
        examples=["APEHOST_LMSTUDIO_FOLDER=~/.lmstudio/conversations"],
    )
    demo: Literal["auto", "offer", "off"] = Field(
        default="auto",
        description="Embedded demo engine when no server is configured and none answers on the default port",
        examples=["APEHOST_DEMO=offer"],
    )
    demo_threads: int = Field(
        default=1,
        ge=1,
        le=64,
        description="CPU threads of the demo engine",
        examples=["APEHOST_DEMO_THREADS=2"],
    )
    connect_timeout_s: float = Field(
        default=5.0, gt=0, le=120, description="Seconds to connect", examples=["APEHOST_CONNECT_TIMEOUT_S=5"]
    )
    first_byte_timeout_s: float = Field(
        default=900.0,
        gt=0,
        le=86_400,
        description="Seconds of silence allowed before an answer begins (loading, reading a long prompt)",
        examples=["APEHOST_FIRST_BYTE_TIMEOUT_S=900"],
    )
    stall_timeout_s: float = Field(
        default=300.0,
        gt=0,
        le=86_400,
        description="Seconds of silence allowed in the middle of an answer",
        examples=["APEHOST_STALL_TIMEOUT_S=300"],
    )
    parallel_per_server: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="Answers that one server writes at a time, the rest queue; empty: as the server says, else 4",
        examples=["APEHOST_PARALLEL_PER_SERVER=4"],
    )
    show_hosts: bool = Field(
        default=False,
        description="Show host and port of each server on the Servers page; otherwise no part of an address is shown",
        examples=["APEHOST_SHOW_HOSTS=true"],
    )
    refresh_s: float = Field(
        default=10.0,
        ge=0.1,
        le=3_600,
        description="Seconds between looks at each server",
        examples=["APEHOST_REFRESH_S=10"],
    )
    max_prompt_bytes: int = Field(
        default=1_000_000,
        ge=1_000,
        le=100_000_000,
        description="Largest prompt in bytes of UTF-8",
        examples=["APEHOST_MAX_PROMPT_BYTES=1000000"],
    )
    max_body_bytes: int = Field(
        default=21_000_000,
        ge=10_000,
        le=1_000_000_000,
        description="Largest HTTP request body in bytes",
        examples=["APEHOST_MAX_BODY_BYTES=21000000"],
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Further host names under which ApeHost may be opened, separated by commas",
        examples=["APEHOST_ALLOWED_HOSTS=apehost.lan"],
    )
    database_memory: str = Field(
        default="1GB",
        pattern=r"^\d+(\.\d+)?\s?(MB|GB|MiB|GiB)$",
        description="Memory limit of the database",
        examples=["APEHOST_DATABASE_MEMORY=1GB"],
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="How much the log says", examples=["APEHOST_LOG_LEVEL=INFO"]
    )

    @property
    def database_path(self) -> Path:
        """The DuckDB file."""
        return self.data_dir / "apehost.duckdb"

    @field_validator("servers", mode="before")
    @classmethod
    def _decode_servers(cls, value: object) -> object:
        return _decode_server_text(value) if isinstance(value, str) else value

    @field_validator("servers")
    @classmethod
    def _unique_names(cls, servers: tuple[ServerEntry, ...]) -> tuple[ServerEntry, ...]:
        names = [server.name.casefold() for server in servers]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two servers share the name {min(twice)!r}; give each its own")
        return servers

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(host.strip() for host in value.split(",") if host.strip())
        return value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @field_validator("lmstudio_folder", mode="before")
    @classmethod
    def _whole_path(cls, value: object) -> object:
        if isinstance(value, str):
            return Path(value.strip()).expanduser().absolute() if value.strip() else None
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read values given in code first, then the environment and the TOML file; `.env` is merged by us."""
        toml = TomlConfigSettingsSource(settings_cls, toml_file=_toml_path())
        return init_settings, env_settings, toml


def load_settings(env_file: Path | None = Path(".env")) -> Settings:
    """Return the checked settings.

    Args:
        env_file: Read below the environment; None reads no file.

    Raises:
        ConfigError: Names the setting, what is wrong with its value, and an example.
    """
    dotenv = {key: value for key, value in dotenv_values(env_file).items() if value is not None} if env_file else {}
    outside: dict[str, str] = {**dotenv, **os.environ}
    _refuse_unknown(outside)
    given: dict[str, Any] = {}
    for name, value in dotenv.items():
        if name.startswith(PREFIX) and name != CONFIG_NAME and name not in os.environ:
            given[name.removeprefix(PREFIX).lower()] = value
    try:
        if outside.get(SERVER_LIST_NAME) and PREFIX + "SERVERS" not in outside:
            given["servers"] = _split_server_list(outside[SERVER_LIST_NAME])
        settings = Settings(**given)
    except ValidationError as error:
        raise _explain(error) from None
    except ValueError as error:
        raise _config_error(SERVER_LIST_NAME, str(error), _SERVER_EXAMPLE) from None
    return _with_default_token(settings, outside)


def _toml_path() -> Path:
    named = os.environ.get(CONFIG_NAME)
    return Path(named) if named else Path("apehost.toml")


def _decode_server_text(text: str) -> object:
    stripped = text.strip()
    if not stripped.startswith("["):
        return _split_server_list(stripped)
    try:
        return _Entries.model_validate_json(f'{{"servers": {stripped}}}').servers
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"{where}: {first['msg']}") from None


class _Entries(BaseModel):
    """The JSON form of the server list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    servers: tuple[ServerEntry, ...]


def _split_server_list(text: str) -> tuple[dict[str, str], ...]:
    """Return the entries of "Name|url,Name|url"."""
    entries: list[dict[str, str]] = []
    for number, piece in enumerate((p.strip() for p in text.split(",")), start=1):
        if not piece:
            continue
        name, bar, url = (part.strip() for part in piece.partition("|"))
        if not bar or not name or not url:
            raise ValueError(f"entry {number} is not of the form Name|url")
        entries.append({"name": name, "url": url})
    return tuple(entries)


def _with_default_token(settings: Settings, outside: Mapping[str, str]) -> Settings:
    """Give the token of LM Studio's own variables to the servers that have none."""
    name = next((name for name in TOKEN_NAMES if outside.get(name)), None)
    given = settings.default_token.get_secret_value() if settings.default_token else outside.get(name or "", "")
    if not given:
        return settings
    try:
        token = SecretStr(clean_token(given))
    except ValueError as error:
        raise _config_error(name or f"{PREFIX}DEFAULT_TOKEN", str(error), "LM_API_TOKEN=sk-lm-...") from None
    servers = tuple(
        server if server.token else server.model_copy(update={"token": token}) for server in settings.servers
    )
    return settings.model_copy(update={"servers": servers, "default_token": token})


def _refuse_unknown(outside: Mapping[str, str]) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_NAME}
    for name in sorted(outside):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            close = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"did you mean {close[0]}?" if close else "all names are in .env.example"
            raise _config_error(name, f"there is no such setting; {hint}", close[0] + "=..." if close else "")


def _explain(error: ValidationError) -> ConfigError:
    first = error.errors(include_input=False, include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return _config_error(field, "there is no such setting (in the TOML file); names are in .env.example", "")
    where = "".join(f", entry {s + 1}" if isinstance(s, int) else f", {s}" for s in first["loc"][1:])
    info = Settings.model_fields.get(field)
    example = info.examples[0] if info and info.examples else ""
    return _config_error(PREFIX + field.upper() + where, first["msg"].removeprefix("Value error, "), example)


def _config_error(name: str, problem: str, example: str) -> ConfigError:
    return ConfigError(
        Fault(
            kind="config",
            title=f"Setting {name}: {problem}",
            advice=f"For example: {example}" if example else "",
        )
    )
