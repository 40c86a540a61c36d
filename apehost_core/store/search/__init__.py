"""Search: an index of tantivy beside the database, fed from it, and made anew from it whenever it does not fit."""

from apehost_core.store.search.search import Search

__all__ = ["Search"]
