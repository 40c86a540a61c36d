"""Which server a request goes to. Pure: a ranking of what is known, best first."""

from collections.abc import Iterable
from dataclasses import dataclass

from apehost_core.servers.views import ANSWERING, ServerView


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for.

    Attributes:
        server: The one that was chosen; None leaves the choice to the pool.
        model: Key of the model, or id of an instance.
        quantisation: Only servers that list the model with it are its equals; None takes any.
        home: Where the conversation was answered last (its prompt may be cached there); None when nowhere.
        tried: Servers that failed at this request.
    """

    server: str | None
    model: str
    quantisation: str | None = None
    home: str | None = None
    tried: frozenset[str] = frozenset()


def ranked(views: Iterable[ServerView], wanted: Wanted) -> list[ServerView]:
    """Return the servers that may take the request, best first.

    One that was chosen by name is the only one. Else: servers that answer before those that are away or rest; the
    model loaded before not loaded; free before full; the conversation's home; then the order of the views.
    """
    if wanted.server is not None:
        return [view for view in views if view.name == wanted.server and view.name not in wanted.tried]
    able = [view for view in views if _has(view, wanted) and view.name not in wanted.tried]
    return sorted(able, key=lambda view: _rank(view, wanted))


def _has(view: ServerView, wanted: Wanted) -> bool:
    model = view.model(wanted.model)
    if model is None or view.state == "disabled":
        return False
    return wanted.quantisation is None or model.quantisation == wanted.quantisation


def _rank(view: ServerView, wanted: Wanted) -> tuple[bool, bool, bool, bool, bool]:
    model = view.model(wanted.model)
    loaded = model is not None and model.state != "not_loaded"
    full = view.traffic.in_flight >= view.traffic.width
    return view.state not in ANSWERING, view.resting_until is not None, not loaded, full, view.name != wanted.home
