"""LM Studio's wire: one client for streams, listings and administration, and the pure parsers it is made of."""

from apehost_core.lmstudio.client import Identity, LmStudioClient
from apehost_core.lmstudio.endpoint import Endpoint, normalise_base_url
from apehost_core.lmstudio.native import Download, DownloadStatus, Loaded, NativeApi
from apehost_core.lmstudio.request_log import RequestKind, RequestLog, RequestRecord
from apehost_core.lmstudio.transport import Http, Watchdogs, open_http

__all__ = [
    "Download",
    "DownloadStatus",
    "Endpoint",
    "Http",
    "Identity",
    "LmStudioClient",
    "Loaded",
    "NativeApi",
    "RequestKind",
    "RequestLog",
    "RequestRecord",
    "Watchdogs",
    "normalise_base_url",
    "open_http",
]
