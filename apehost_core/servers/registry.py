"""Which servers there are: those of the settings, and those that were added on the page and are kept in a file.

Changes take effect at once and without a restart: the pool gets another server of the same name, what the old one is
answering goes on. Servers of the environment are changed where they were named; only their order is the page's.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace

from pydantic import SecretStr, ValidationError

from apehost_core.errors import Fault, InputRefused, StoreError
from apehost_core.lmstudio import LmStudioClient, RequestLog, normalise_base_url
from apehost_core.servers.config import Entry, Kept, ServerConfig, ServerFile
from apehost_core.servers.pool import Pool
from apehost_core.servers.probe import Finding, probe
from apehost_core.servers.server import Server
from apehost_core.settings import clean_token

Audit = Callable[[str, str | None, str | None], Awaitable[None]]
"""Keeps a record of a change: what was changed, the old and the new value, neither of them a secret."""


_log = logging.getLogger(__name__)

_RANGES = {
    "name": "It has 1 to 60 characters, none of them a | or a line break.",
    "parallel": "Answers at a time are 1 to 256; empty learns them from the server.",
}


@dataclass(frozen=True, slots=True)
class Form:
    """A server as a person fills it in.

    Attributes:
        name: What it is to be called.
        url: In any form that people paste; empty keeps the one that a changed server has.
        token: Empty keeps the one that a changed server has.
        drop_token: Take the token away, unless a new one is given.
        swaps: Models may be loaded while another one answers.
        parallel: Requests it is given at a time; None learns it from the server.
    """

    name: str
    url: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    drop_token: bool = False
    swaps: bool = False
    parallel: int | None = None


class Registry:
    """Knows and changes the servers of a pool. Coroutines run on the pool's loop.

    Args:
        pool: The servers.
        file: Where those of the page are kept.
        make: Makes a server of its configuration.
        connect: Makes a client for a test.
        audit: See Audit.
        reserved: Names that no server of the page may have.
    """

    def __init__(
        self,
        pool: Pool,
        file: ServerFile,
        make: Callable[[ServerConfig], Server],
        connect: Callable[[ServerConfig, RequestLog | None], LmStudioClient],
        audit: Audit,
        *,
        reserved: tuple[str, ...] = (),
    ) -> None:
        self._pool = pool
        self._file = file
        self._make = make
        self._connect = connect
        self._audit = audit
        self._reserved = frozenset(name.casefold() for name in reserved)
        self._hidden: tuple[Entry, ...] = ()
        self._changing = asyncio.Lock()

    async def open(self, named: Iterable[ServerConfig], default: ServerConfig) -> None:
        """Fill the pool.

        Args:
            named: The servers of the settings.
            default: What is tried when there are no others.

        Raises:
            ConfigError: The file cannot be understood.
        """
        kept = await asyncio.to_thread(self._file.read)
        configs = list(named)
        taken = {config.name.casefold() for config in configs} | self._reserved
        self._hidden = tuple(entry for entry in kept.servers if entry.name.casefold() in taken)
        configs += [entry.config() for entry in kept.servers if entry not in self._hidden]
        for config in configs or [default]:
            self._pool.add(self._make(config))
        self._pool.arrange(kept.order)

    async def test(self, form: Form, name: str | None = None) -> Finding:
        """Return what answers at the address of a form, without changing anything.

        Args:
            form: As it is filled in.
            name: The server that is being changed; None for a new one.

        Raises:
            InputRefused: The address cannot be understood.
        """
        config = self._filled(form, self._own(name) if name else None)
        return await probe(self._connect(config, None), has_token=config.token is not None)

    async def add(self, form: Form) -> None:
        """Take a new server in, as the last choice.

        Raises:
            InputRefused: Name or address cannot be taken.
            ConfigError: It could not be saved; nothing was changed.
        """
        async with self._changing:
            config = self._filled(form, None)
            self._refuse_taken(config, None)
            unnamed = [server for server in self._servers() if server.config.origin == "default"]
            adopted = [server for server in unnamed if server.view.answers and not _same_place(server.config, config)]
            kept = [replace(server.config, origin="page") for server in adopted]
            await self._save([*self._page(), *kept, config], (*self._pool.names, config.name))
            for server in unnamed:
                if server in adopted:
                    server.reconfigure(replace(server.config, origin="page"), server.client)
                else:
                    self._pool.remove(server.name)
            self._pool.add(self._make(config))
        await self._note(f"server {config.name}", None, _told(config))

    async def change(self, name: str, form: Form) -> None:
        """Change a server of the page. What it is answering goes on as it was.

        Raises:
            InputRefused: It cannot be changed here, or name or address cannot be taken.
            ConfigError: It could not be saved; nothing was changed.
        """
        async with self._changing:
            old = self._own(name)
            new = self._filled(form, old)
            self._refuse_taken(new, old)
            order = tuple(new.name if known == name else known for known in self._pool.names)
            await self._save([new if config.name == name else config for config in self._page()], order)
            self._exchange(old, new, order)
        secret = _secrets_changed(old, new)
        await self._note(f"server {name}", _told(old), ", ".join(filter(None, (_told(new), secret))))

    async def enable(self, name: str, enabled: bool) -> None:
        """Switch a server of the page on or off. Raises as `change` does."""
        async with self._changing:
            old = self._own(name)
            new = replace(old, enabled=enabled)
            await self._save([new if config.name == name else config for config in self._page()], self._pool.names)
            self._exchange(old, new, self._pool.names)
        await self._note(f"server {name}", _told(old), _told(new))

    async def remove(self, name: str) -> None:
        """Forget a server of the page; its history stays. What it is answering goes on.

        Raises:
            InputRefused: It cannot be removed here.
            ConfigError: It could not be saved; nothing was changed.
        """
        async with self._changing:
            old = self._own(name)
            order = tuple(known for known in self._pool.names if known != name)
            await self._save([config for config in self._page() if config.name != name], order)
            self._pool.remove(name)
        await self._note(f"server {name}", _told(old), None)

    async def move(self, name: str, places: int) -> None:
        """Move a server up (negative) or down in the order of choice.

        Raises:
            ConfigError: It could not be saved; nothing was changed.
        """
        async with self._changing:
            names = list(self._pool.names)
            if name not in names:
                return
            at = names.index(name)
            names.insert(max(0, min(len(names) - 1, at + places)), names.pop(at))
            await self._save(self._page(), names)
            self._pool.arrange(names)

    def _servers(self) -> list[Server]:
        return [server for name in self._pool.names if (server := self._pool.find(name)) is not None]

    def _page(self) -> list[ServerConfig]:
        return [server.config for server in self._servers() if server.config.origin == "page"]

    def _own(self, name: str) -> ServerConfig:
        """Return a server that the page may change."""
        config = self._pool.get(name).config
        if config.origin != "page":
            where = "the environment" if config.origin == "environment" else "ApeHost itself"
            raise _refused(f"{name} was named by {where} and is changed there, not here")
        return config

    def _filled(self, form: Form, old: ServerConfig | None) -> ServerConfig:
        if old is None and not form.url.strip():
            raise _refused("The address is missing", "For example: http://192.0.2.10:1234")
        try:
            url = SecretStr(normalise_base_url(form.url)) if form.url.strip() else None
        except ValueError as error:
            raise _refused("The address cannot be understood", f"{str(error).capitalize()}.") from None
        token = _token(form.token)
        if old is not None:
            url = url or old.base_url
            token = token or (None if form.drop_token else self._kept_token(old, url))
        assert url is not None
        enabled = old.enabled if old else True
        config = ServerConfig(form.name.strip(), url, token, "page", enabled, form.swaps, form.parallel)
        try:
            Entry.of(config)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = str(first["loc"][0])
            raise _refused(f"The {field} cannot be taken", _RANGES.get(field, f"{first['msg']}.")) from None
        return config

    def _kept_token(self, old: ServerConfig, url: SecretStr) -> SecretStr | None:
        """Return a changed server's token, which goes to no other address than the one that it was given for."""
        if old.token is not None and url.get_secret_value() != old.base_url.get_secret_value():
            advice = "Its old token is sent to its old address only. Or tick that the token be removed."
            raise _refused("Give the token again for the new address", advice)
        return old.token

    def _refuse_taken(self, config: ServerConfig, old: ServerConfig | None) -> None:
        hidden = {entry.name.casefold() for entry in self._hidden}
        if config.name.casefold() in self._reserved | hidden:
            raise _refused(f"The name {config.name!r} is taken", "Give this server another name.")
        for other in self._servers():
            if old is not None and other.name == old.name:
                continue
            if other.name.casefold() == config.name.casefold():
                raise _refused(f"There is a server named {other.name!r} already", "Give this one another name.")
            if _same_place(other.config, config) and other.config.origin != "default":
                raise _refused(f"This address is that of {other.name!r} already")

    def _exchange(self, old: ServerConfig, new: ServerConfig, order: Iterable[str]) -> None:
        """Have the pool use the new configuration; at the same address it is the same server, with all it is doing."""
        if _same_place(old, new):
            server = self._pool.get(old.name)
            server.reconfigure(new, self._connect(new, server.log))
            self._pool.changed(old.name)
        else:
            self._pool.remove(old.name)
            self._pool.add(self._make(new))
        self._pool.arrange(tuple(order))

    async def _note(self, setting: str, old: str | None, new: str | None) -> None:
        """Keep a record of a change that was made; where that fails the change stands, and the log says so."""
        try:
            await self._audit(setting, old, new)
        except StoreError as error:
            _log.warning("a change of %s is not on record: %s", setting, error)

    async def _save(self, page: Iterable[ServerConfig], order: Iterable[str]) -> None:
        entries = (*(Entry.of(config) for config in page), *self._hidden)
        kept = Kept(servers=entries, order=tuple(order))
        await asyncio.to_thread(self._file.write, kept)


def _token(text: str) -> SecretStr | None:
    try:
        token = clean_token(text)
    except ValueError as error:
        raise _refused("The token cannot be taken", f"{str(error).capitalize()}.") from None
    return SecretStr(token) if token else None


def _same_place(one: ServerConfig, other: ServerConfig) -> bool:
    return one.base_url.get_secret_value() == other.base_url.get_secret_value()


def _told(config: ServerConfig) -> str:
    """Return a configuration in words, without its secrets."""
    pieces = ["on" if config.enabled else "off", "with a token" if config.token else "without a token"]
    if config.swaps:
        pieces.append("may swap models")
    if config.parallel:
        pieces.append(f"{config.parallel} at a time")
    return f"{config.name}: {', '.join(pieces)}"


def _secrets_changed(old: ServerConfig, new: ServerConfig) -> str:
    pieces: list[str] = []
    if not _same_place(old, new):
        pieces.append("address changed")
    if old.token != new.token:
        pieces.append("token changed")
    return ", ".join(pieces)


def _refused(title: str, advice: str = "") -> InputRefused:
    return InputRefused(Fault(kind="bad_request", title=title, advice=advice))
