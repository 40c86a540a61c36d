"""The servers as comparisons see them: facts without addresses, calls, and models that are let go.

Two servers run on one machine where their addresses name one host; which host that is never leaves this module.
"""

from urllib.parse import urlsplit

from apehost_core.chat.exchange import Choice
from apehost_core.compare.facts import Facts, ServerFacts
from apehost_core.errors import InputRefused, ServerError
from apehost_core.events import Outcome
from apehost_core.model import ModelRequest
from apehost_core.runs.hub import Emit
from apehost_core.servers.config import ServerConfig
from apehost_core.servers.dispatch import Dispatcher
from apehost_core.servers.pool import Pool

_HERE = frozenset(("localhost", "127.0.0.1", "::1"))


class LabServers:
    """Asks the servers of a pool for comparisons. Lives on the event loop; `facts` may be called from any thread."""

    def __init__(self, pool: Pool, dispatcher: Dispatcher) -> None:
        self._pool = pool
        self._dispatcher = dispatcher

    def facts(self) -> Facts:
        """Return what is known of all servers, from memory."""
        servers = [server for name in self._pool.names if (server := self._pool.find(name)) is not None]
        views = [
            (server.view, hash(_host(server.config))) for server in servers
        ]  # of texts it is salted anew each start
        return Facts(tuple(ServerFacts(view.name, machine, view.models, view.answers) for view, machine in views))

    async def call(self, request: ModelRequest, choice: Choice, emit: Emit) -> Outcome:
        """Make one model call and report its events.

        Raises:
            ServerError: It failed; what was emitted before stands.
        """
        return await self._dispatcher.call(request, choice, emit)

    async def look(self, server: str) -> None:
        """Have `facts` say what a server has at this moment."""
        found = self._pool.find(server)
        if found is not None and found.config.enabled:
            await found.look()

    async def release(self, server: str, model: str) -> bool:
        """Unload a model, if it is loaded and answers nobody; returns whether it is not loaded any more."""
        found = self._pool.find(server)
        known = found.model(model) if found is not None else None
        if found is None or known is None:
            return True
        try:
            for instance in known.instances:
                await found.unload(instance.id)
        except (ServerError, InputRefused):
            return False
        return True


def _host(config: ServerConfig) -> str:
    host = urlsplit(config.base_url.get_secret_value()).hostname or ""
    return "" if host in _HERE else host.casefold()
