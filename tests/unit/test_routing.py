"""Which server a request goes to."""

from dataclasses import replace
from datetime import UTC, datetime

from apehost_core.model import LoadState, ModelInfo
from apehost_core.servers.routing import Wanted, ranked
from apehost_core.servers.views import ServerState, ServerView, Traffic


def server(name: str, state: LoadState = "loaded", at: ServerState = "online", quantisation: str = "Q4") -> ServerView:
    """A server with one model."""
    model = ModelInfo("gemma", "Gemma", state=state, quantisation=quantisation)
    return ServerView(name, at, models=(model,), traffic=Traffic(width=2))


def order(*views: ServerView, **wanted: object) -> list[str]:
    """The names of the servers that may take the request, best first."""
    return [view.name for view in ranked(views, Wanted(**{"server": None, "model": "gemma", **wanted}))]  # type: ignore[arg-type]


def test_priority_decides_between_equals() -> None:
    """The first of the order wins where nothing else tells servers apart."""
    assert ["PC", "Mini"] == order(server("PC"), server("Mini"))


def test_loaded_comes_before_not_loaded() -> None:
    """A server that has the model loaded comes before one that would have to load it."""
    assert ["Mini", "PC"] == order(server("PC", "not_loaded"), server("Mini"))


def test_healthy_comes_before_all_else() -> None:
    """Servers that are away or rest come last, and not at all once they were tried."""
    resting = replace(server("Resting"), resting_until=datetime.now(UTC))
    views = (server("Off", at="offline"), resting, server("Cold", "not_loaded"), server("Busy", at="busy"))
    assert ["Busy", "Cold", "Resting", "Off"] == order(*views)
    assert ["Cold", "Resting", "Off"] == order(*views, tried=frozenset({"Busy"}))


def test_a_conversation_stays_at_home() -> None:
    """The server that answered last comes first while it has the model loaded and a place free."""
    assert ["Mini", "PC"] == order(server("PC"), server("Mini"), home="Mini")
    assert ["PC", "Mini"] == order(server("PC"), server("Mini", "not_loaded"), home="Mini")
    full = replace(server("Mini"), traffic=Traffic(width=2, in_flight=2))
    assert ["PC", "Mini"] == order(server("PC"), full, home="Mini")


def test_a_chosen_server_is_the_only_one() -> None:
    """Who picks a server gets that server, well or not, and no other."""
    assert ["PC"] == order(server("PC", at="offline"), server("Mini"), server="PC")
    assert [] == order(server("PC"), server("Mini"), server="PC", tried=frozenset({"PC"}))


def test_only_the_same_model_counts() -> None:
    """Another quantisation is another model; without one any will do. Disabled servers take nothing."""
    views = (server("PC", quantisation="Q8"), server("Mini"), server("Off", at="disabled"))
    assert ["Mini"] == order(*views, quantisation="Q4")
    assert ["PC", "Mini"] == order(*views)
    assert [] == order(*views, model="llama")
