"""A search as the engine takes it: what must be there, what must not, and what was ignored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import tantivy
from tantivy import FieldType, Occur, Query

from apehost_core.history.listing import as_tag
from apehost_core.history.search_words import PLACES, Filter, Term, Words
from apehost_core.store.search.schema import MESSAGE, TEXT, TITLE, TRASH, TRASHED, analyzer, key_of, normal

_MOST_TITLES: Final = 10_000
_WIDENING: Final = ("model", "server", "role")

_Clause = tuple[Occur, Query]


@dataclass(frozen=True, slots=True)
class Asked:
    """A search ready to run.

    Attributes:
        query: For the engine; None where nothing can be found.
        patterns: The words of each term that must be there, as the index has them.
        prefixes: For each of them whether its last word is only a beginning.
        in_trash: Whether what is in the trash is asked for.
        alike: Whether all that is found has the same text score, so that only age tells it apart.
        notes: What was ignored or cannot match, in words.
    """

    query: Query | None
    patterns: tuple[tuple[str, ...], ...]
    prefixes: tuple[bool, ...]
    in_trash: bool
    alike: bool
    notes: tuple[str, ...]


class Asking:
    """Turns words into a query against one state of the index."""

    def __init__(self, searcher: tantivy.Searcher, fields: tantivy.Schema) -> None:
        self._searcher = searcher
        self._fields = fields
        self._analyzer = analyzer()
        self._field = TEXT
        self._clauses: list[_Clause] = []
        self._patterns: list[tuple[tuple[str, ...], bool]] = []
        self._notes: list[str] = []

    def ask(self, words: Words) -> Asked:
        """Return the query of a search."""
        in_trash = Filter("in", "trash") in words.filters
        self._field = TRASHED if in_trash else TEXT
        for term in words.terms:
            self._add_term(term)
        self._add_filters(words.filters)
        says_nothing = not self._patterns and not words.filters and not any(term.excluded for term in words.terms)
        if not self._patterns:  # a title has no author and no date of its own to be found by
            self._clauses.append((Occur.Must, self._mark(MESSAGE)))
            if not in_trash:
                self._clauses.append((Occur.MustNot, self._mark(TRASH)))
        query = None if says_nothing else _all(self._clauses)
        patterns = tuple(pattern for pattern, _ in self._patterns)
        prefixes = tuple(prefix for _, prefix in self._patterns)
        alike = all(prefix and len(pattern) == 1 for pattern, prefix in self._patterns)
        return Asked(query, patterns, prefixes, in_trash, alike, tuple(self._notes))

    def _add_term(self, term: Term) -> None:
        tokens = self._analyzer.analyze(normal(term.text))
        if not tokens:
            self._notes.append(ignored(term.text))
            return
        prefix = term.kind == "prefix" and not self._is_whole(tokens[-1])
        found = self._said(tokens, prefix)
        if term.excluded:
            self._clauses.append((Occur.MustNot, found))
        else:
            self._clauses.append((Occur.Must, found))
            self._patterns.append((tuple(tokens), prefix))

    def _is_whole(self, token: str) -> bool:
        """Whether a word of the index ends with this character whatever follows: that is so in unspaced scripts."""
        return len(self._analyzer.analyze(token + "a")) > 1

    def _said(self, tokens: Sequence[str], prefix: bool) -> Query:
        """Return what finds words side by side, the last of them perhaps only a beginning."""
        if not prefix:
            if len(tokens) == 1:
                return self._term(self._field, tokens[0], "freq")
            return Query.phrase_query(self._fields, self._field, list(tokens))
        if len(tokens) == 1:
            return Query.regex_query(self._fields, self._field, f"{tokens[0]}.*")
        return Query.regex_phrase_query(self._fields, self._field, [*tokens[:-1], f"{tokens[-1]}.*"])

    def _add_filters(self, filters: Sequence[Filter]) -> None:
        widening: dict[str, list[Query]] = {}
        for each in filters:
            query = self._filter(each)
            if each.negated:
                self._clauses.append((Occur.MustNot, query))
            elif each.name in _WIDENING:
                widening.setdefault(each.name, []).append(query)
            else:
                self._must(query)
        for queries in widening.values():
            self._must(_any(queries))

    def _must(self, query: Query) -> None:
        """Ask for something without its changing the order of what is found."""
        self._clauses.append((Occur.Must, Query.const_score_query(query, 0.0)))

    def _filter(self, given: Filter) -> Query:
        match given.name:
            case "model" | "server" | "tool" | "tag":
                return self._named(given)
            case "role" | "has":
                return self._mark(f"{given.name}:{given.value}")
            case "before" | "after":
                return self._dated(given)
            case "in":
                return self._place(given)

    def _named(self, given: Filter) -> Query:
        """Return what finds the names that contain the value; those that are it, where it was in quotes or is a tag."""
        is_tag = given.name == "tag"
        start, wanted = f"{given.name}:", (as_tag(given.value) if is_tag else given.value).casefold()
        exact = given.exact or is_tag
        names = [mark[len(start) :] for mark, _ in self._searcher.terms_with_prefix("mark", start)]
        fitting = [name for name in names if (wanted == name.casefold() if exact else wanted in name.casefold())]
        if not fitting:
            kind = "is" if exact else "has a name with"
            self._notes.append(f'No {given.name} here {kind} "{given.value}".')
            return Query.empty_query()
        return _any([self._mark(start + name) for name in fitting])

    def _dated(self, given: Filter) -> Query:
        assert given.day is not None  # the parser sets it for these two
        begins = _seconds(given.day)
        lowest, highest = (None, begins - 1) if given.name == "before" else (begins, None)
        return Query.range_query(self._fields, "at_s", FieldType.Integer, lowest, highest)

    def _place(self, given: Filter) -> Query:
        if not given.exact:
            if given.value in PLACES:
                return self._mark(f"in:{given.value}")
            conversation = _uuid(given.value)
            if conversation is not None:
                return self._term("conversation", key_of(conversation))
        return self._titled(given)

    def _titled(self, given: Filter) -> Query:
        """Return what finds the messages of conversations whose title has all the words."""
        tokens = self._analyzer.analyze(normal(given.value))
        clauses = [(Occur.Must, self._term(self._field, token, "freq")) for token in tokens]
        found = self._searcher.search(
            Query.boolean_query([*clauses, (Occur.Must, self._mark(TITLE))]), _MOST_TITLES, count=False
        )
        keys = self._searcher.fast_field_values("key", [address for _, address in found.hits])
        if not keys:
            self._notes.append(f'No conversation has "{given.value}" in its title.')
            return Query.empty_query()
        if len(keys) == _MOST_TITLES:
            self._notes.append(f'More than {_MOST_TITLES:,} titles have "{given.value}"; only so many were searched.')
        return Query.term_set_query(self._fields, "conversation", keys)

    def _mark(self, mark: str) -> Query:
        return self._term("mark", mark)

    def _term(self, field: str, value: str | int, index_option: str = "basic") -> Query:
        return Query.term_query(self._fields, field, value, index_option)


def ignored(text: str) -> str:
    """Return what a person is told of a text in which there is nothing to look for."""
    return f'"{text}" has no letters or digits and was ignored.'


def _all(clauses: list[_Clause]) -> Query:
    """Return what finds what fits all of these."""
    (occur, query), *others = clauses
    return query if occur == Occur.Must and not others else Query.boolean_query(clauses)


def _any(queries: Iterable[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, query) for query in queries])


def _seconds(day: date) -> int:
    """Return when a day begins here, in s since 1970."""
    return round(datetime(day.year, day.month, day.day).astimezone().timestamp())


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
