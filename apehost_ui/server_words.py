"""How a server is said on its page: what it is, what goes on, what it has. Pure functions of views, no Markdown."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from statistics import median

from apehost_core.model import ModelInfo
from apehost_core.servers import DownloadView, LoadView, ServerView
from apehost_ui.words import SERVER_BADGES, SERVER_STATES, duration, ordinal, size

NATIVE = "LM Studio"
"""What answers where models can be loaded, unloaded and downloaded."""

Identity = tuple[str, str | None]
"""What makes the models of two servers the same; see `ModelInfo.identity`."""


def state_words(server: ServerView) -> str:
    """Return the state and what answers: "● online · LM Studio", "● online · llama.cpp, not LM Studio"."""
    words = f"{SERVER_BADGES[server.state]} {SERVER_STATES[server.state]}"
    if not server.kind:
        return words
    other = "" if server.kind == NATIVE or server.demo else f", not {NATIVE}"
    return f"{words} · {server.kind}{other}"


def choice(place: int) -> str:
    """Return a place in the order of choice, counted from 0: "1st choice"."""
    return f"{ordinal(place + 1)} choice"


def clock(moment: datetime) -> str:
    """Return a moment as a time of today, or with its date."""
    here = moment.astimezone()
    return f"{here:%H:%M:%S}" if here.date() == datetime.now().astimezone().date() else f"{here:%d %b %Y, %H:%M:%S}"


def facts(server: ServerView) -> list[str]:
    """Return since when, when it is looked at next, and how it is reached.

    `since` is when its health was found: what goes on in its lane, and that it is switched off, have begun at another
    time.
    """
    pieces: list[str] = []
    if server.since is not None and server.state not in ("busy", "loading", "disabled"):
        pieces.append(f"since {clock(server.since)}")
    if server.state != "disabled":
        pieces.append(_next_look(server.next_check_at))
    if server.host is not None:
        pieces.append(server.host)
    if server.runtime is not None:
        pieces.append(server.runtime)
    if server.has_token:
        pieces.append("with a token")
    if server.swaps:
        pieces.append("may load while it answers")
    return pieces


def _next_look(at: datetime | None) -> str:
    if at is None:
        return "looking now …"
    seconds = round((at - datetime.now(UTC)).total_seconds())
    return f"next look in {seconds} s" if seconds > 0 else "looking now …"


def traffic_words(server: ServerView) -> str:
    """Return what goes on in its lane: "2 of 4 answering, 1 waiting"."""
    traffic = server.traffic
    waiting = f", {traffic.queued} waiting" if traffic.queued else ""
    if not traffic.in_flight and not waiting:
        return f"idle, {traffic.width} at a time"
    return f"{traffic.in_flight} of {traffic.width} answering{waiting}"


def stalled_words(server: ServerView) -> str | None:
    """Return the warning of a lane in which nothing moves; None when it does."""
    traffic = server.traffic
    if traffic.stalled_s is None:
        return None
    return (
        f"No sign of life for {duration(traffic.stalled_s)} while {traffic.queued} "
        f"{'wait' if traffic.queued > 1 else 'waits'}. Stop the answers under way, or start the server anew."
    )


def resting_words(server: ServerView) -> str | None:
    """Return how long a server rests that failed again and again; None when it does not."""
    if server.resting_until is None:
        return None
    until = clock(server.resting_until)
    return f"Resting until {until} after several failures: it is asked only if you pick it yourself."


def latency_words(latencies: Iterable[float | None]) -> str:
    """Return what the last looks say: "Looks take 12 ms (median of 60), 2 failed"; empty before the first."""
    looks = list(latencies)
    times = [ms for ms in looks if ms is not None]
    failed = len(looks) - len(times)
    if not looks:
        return ""
    if not times:
        return f"{failed} of the last {len(looks)} looks failed"
    lost = f", {failed} failed" if failed else ""
    return f"Looks take {median(times):,.0f} ms (median of {len(times)}){lost}"


def origin_words(server: ServerView) -> str | None:
    """Return who named a server that cannot be changed on the page; None for one that can."""
    match server.origin:
        case "environment":
            return "named in the environment and changed there"
        case "demo":
            return "a small model that comes with ApeHost, to try it out"
        case "default":
            return "LM Studio's usual place on this computer; add it to keep it"
        case "page":
            return None


def load_words(load: LoadView) -> str:
    """Return how far a load is: "2nd in line", "loading 40 % · 3.4 s · usually 8.0 s"."""
    elapsed = duration(max(0.0, (datetime.now(UTC) - load.started_at).total_seconds()))
    if load.position is not None:
        return f"{ordinal(load.position)} in line for loading · {elapsed}"
    share = "" if load.fraction is None else f" {load.fraction:.0%}"
    usual = f" · usually {duration(load.usual_s)}" if load.usual_s is not None else ""
    return f"loading{share} · {elapsed}{usual}"


def load_share(load: LoadView) -> float | None:
    """Return how far a load is, 0-1: as told, else guessed from the last time; None when neither is known."""
    if load.fraction is not None or load.position is not None or not load.usual_s:
        return load.fraction
    return min((datetime.now(UTC) - load.started_at).total_seconds() / load.usual_s, 0.95)


def download_words(download: DownloadView) -> str:
    """Return how far a download is: "downloading · 2.1 GB of 4.1 GB · 35 MB/s · about 57 s left"."""
    pieces = [download.status.replace("_", " ")]
    done, total, pace = download.downloaded_bytes, download.total_bytes, download.bytes_per_second
    if done is not None and total:
        pieces.append(f"{size(done)} of {size(total)}")
    if pace and download.status == "downloading":
        pieces.append(f"{size(pace)}/s")
        if done is not None and total:
            pieces.append(f"about {duration((total - done) / pace)} left")
    return " · ".join(pieces)


def download_share(download: DownloadView) -> float | None:
    """Return how far a download is, 0-1; None when it is not told."""
    if download.downloaded_bytes is None or not download.total_bytes:
        return None
    return min(1.0, download.downloaded_bytes / download.total_bytes)


def goes_on(download: DownloadView) -> bool:
    """Whether a download is still followed."""
    return download.fault is None and download.status in ("downloading", "paused")


def abilities(model: ModelInfo) -> str:
    """Return what a model can do beside writing: "vision, tools, thinking (low, high)"."""
    pieces = [word for word, able in (("vision", model.vision), ("tools", model.tools)) if able]
    if model.reasoning_options:
        pieces.append(f"thinking ({', '.join(model.reasoning_options)})")
    return ", ".join(pieces)


def homes(servers: Iterable[ServerView]) -> Mapping[Identity, list[str]]:
    """Return the servers that have each model, by its key and quantisation."""
    found: defaultdict[Identity, list[str]] = defaultdict(list)
    for server in servers:
        for model in server.models:
            found[model.identity].append(server.name)
    return found
