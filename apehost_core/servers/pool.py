"""All servers of this process, in the order of their priority; keeps looking at them, and chooses among them.

Pages read `Pool.views`. A server that is removed with requests in flight finishes them: it only leaves the pool.
"""

import asyncio
import logging
from collections.abc import Sequence

from apehost_core.errors import Fault, ServerError
from apehost_core.servers.routing import Wanted, ranked
from apehost_core.servers.server import Server
from apehost_core.servers.views import ServerView

_log = logging.getLogger(__name__)

_ANEW_S = 10.0


class Pool:
    """The servers by name. Lives on the event loop; `views` may be read from any thread."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}
        self._watches: dict[Server, asyncio.Task[None]] = {}
        self._retired: dict[Server, asyncio.Task[None]] = {}

    def add(self, server: Server) -> None:
        """Take a server in, and look at it from now on; one of the same name is replaced, in its place."""
        old = self._servers.get(server.name)
        self._servers[server.name] = server
        if old is not None:
            self._retire(old)
        self._watch(server)

    def changed(self, name: str) -> None:
        """Take note that a server of that name goes on under another configuration, perhaps with another name."""
        server = self._servers[name]
        self._servers = {known.name: known for known in self._servers.values()}
        self._watch(server)

    def remove(self, name: str) -> None:
        """Let a server go; unknown names are ignored. What it is answering goes on."""
        server = self._servers.pop(name, None)
        if server is not None:
            self._retire(server)

    def arrange(self, names: Sequence[str]) -> None:
        """Put the servers in an order; those that are not named come last, as they were."""
        place = {name: number for number, name in enumerate(names)}
        self._servers = dict(sorted(self._servers.items(), key=lambda item: place.get(item[0], len(place))))

    @property
    def views(self) -> tuple[ServerView, ...]:
        """What is known of all servers, first choice first."""
        return tuple(server.view for server in tuple(self._servers.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """The names, first choice first."""
        return tuple(self._servers)

    def find(self, name: str) -> Server | None:
        """Return a server; None when there is none of that name."""
        return self._servers.get(name)

    def get(self, name: str) -> Server:
        """Return a server.

        Raises:
            ServerError: There is none of that name.
        """
        server = self._servers.get(name)
        if server is None:
            title = f"There is no server named {name!r}"
            raise ServerError(
                Fault(
                    kind="no_server", title=title, advice="Pick another model, or add the server on the Servers page."
                )
            )
        return server

    def get_enabled(self, name: str) -> Server:
        """Return a server that may be asked.

        Raises:
            ServerError: There is none of that name, or it is switched off.
        """
        server = self.get(name)
        if not server.config.enabled:
            title, advice = f"{name} is switched off", "Enable it on the Servers page, or pick another model."
            raise ServerError(Fault(kind="no_server", title=title, advice=advice, server=name))
        return server

    def choose(self, wanted: Wanted) -> Server:
        """Return the server that a request goes to.

        Raises:
            ServerError: None is left that has the model, or the one that was chosen is gone or switched off.
        """
        if wanted.server is not None:
            return self.get_enabled(wanted.server)
        best = next(iter(ranked(self.views, wanted)), None)
        if best is not None:
            return self._servers[best.name]
        title = "No other server has the model" if wanted.tried else f"No server has the model {wanted.model!r}"
        raise ServerError(
            Fault(kind="no_server", title=title, advice="Pick another model, or look at the Servers page.")
        )

    async def look_at_all(self) -> None:
        """Look at every server at once; a failing one becomes a view like any other."""
        await asyncio.gather(*(server.look() for server in tuple(self._servers.values()) if server.config.enabled))

    async def close(self) -> None:
        """Stop looking, and end what the servers do behind."""
        tasks = (*self._watches.values(), *self._retired.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(server.close() for server in (*self._servers.values(), *self._retired)))

    def _retire(self, server: Server) -> None:
        self._unwatch(server)
        task = asyncio.create_task(server.retire(), name=f"retirement of {server.name}")
        self._retired[server] = task
        task.add_done_callback(lambda _task: self._retired.pop(server, None))

    def _watch(self, server: Server) -> None:
        """Look at a server from now on, if it is to be looked at."""
        if not server.config.enabled:
            self._unwatch(server)
        elif server not in self._watches:
            self._watches[server] = asyncio.create_task(_keep_looking(server), name=f"watch over {server.name}")

    def _unwatch(self, server: Server) -> None:
        watch = self._watches.pop(server, None)
        if watch is not None:
            watch.cancel()


async def _keep_looking(server: Server) -> None:
    """Watch over a server, whatever happens: a watch that died of a defect would leave its state wrong for ever."""
    while True:
        try:
            await server.keep_looking()
        except Exception as error:  # noqa: BLE001 -- the boundary of a task; its message may quote an address
            _log.error("the watch over %s failed by a defect and begins anew: %s", server.name, type(error).__name__)
            await asyncio.sleep(_ANEW_S)
