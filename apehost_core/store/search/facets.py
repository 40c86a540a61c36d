"""How the hits of a search divide by filter words."""

from typing import Any, Final

import tantivy

from apehost_core.history.found import Facet

_NAMES: Final = ("role", "model", "server", "tool", "has", "tag", "in")
_SHOWN: Final = 10
_ASKED: Final = {"marks": {"terms": {"field": "mark", "size": 10_000}}}


def facets_of(searcher: tantivy.Searcher, query: tantivy.Query) -> tuple[Facet, ...]:
    """Return the values that the hits have, most first; names of which they have none are left out."""
    found: dict[str, Any] = searcher.aggregate(query, _ASKED)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    values: dict[str, list[tuple[str, int]]] = {name: [] for name in _NAMES}
    for bucket in found["marks"]["buckets"]:
        name, _, value = str(bucket["key"]).partition(":")
        if value and name in values and len(values[name]) < _SHOWN:
            values[name].append((value, int(bucket["doc_count"])))
    return tuple(Facet(name, tuple(each)) for name, each in values.items() if each)
