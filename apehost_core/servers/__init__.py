"""The servers: what each can do at this moment, which one takes a request, and who waits for whom."""

from apehost_core.lmstudio import RequestRecord
from apehost_core.servers.config import ServerConfig, ServerFile
from apehost_core.servers.dispatch import Dispatcher
from apehost_core.servers.pool import Pool
from apehost_core.servers.probe import Finding
from apehost_core.servers.registry import Form, Registry
from apehost_core.servers.routing import Wanted, ranked
from apehost_core.servers.server import Manners, Server
from apehost_core.servers.views import ANSWERING, DownloadView, LoadView, ServerState, ServerView, Traffic

__all__ = [
    "ANSWERING",
    "Dispatcher",
    "DownloadView",
    "Finding",
    "Form",
    "LoadView",
    "Manners",
    "Pool",
    "Registry",
    "RequestRecord",
    "Server",
    "ServerConfig",
    "ServerFile",
    "ServerState",
    "ServerView",
    "Traffic",
    "Wanted",
    "ranked",
]
