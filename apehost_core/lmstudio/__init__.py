"""LM Studio's wire: one client for streaming and listing, and the pure parsers it is made of."""

from apehost_core.lmstudio.client import Identity, LmStudioClient
from apehost_core.lmstudio.endpoint import Endpoint, normalise_base_url
from apehost_core.lmstudio.transport import Http, Watchdogs, open_http

__all__ = ["Endpoint", "Http", "Identity", "LmStudioClient", "Watchdogs", "normalise_base_url", "open_http"]
