"""The servers: what each can do at this moment, which one takes a request, and who waits for whom."""

from apehost_core.servers.lanes import Lane
from apehost_core.servers.pool import Pool, Server
from apehost_core.servers.views import ServerState, ServerView

__all__ = ["Lane", "Pool", "Server", "ServerState", "ServerView"]
