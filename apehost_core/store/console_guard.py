"""Whether a statement may be run: one SELECT over the documented views, with functions that only compute.

DuckDB's own parser says what the statement is (`console_parser`). Every node of the tree that it gives has to be of a
kind that is known here; what is not known is refused.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, NoReturn, cast

import duckdb
import orjson

from apehost_core.errors import Fault, InputRefused
from apehost_core.store.console_functions import ALLOWED, GROWING, SMALL_NUMBERS, SMALL_TEXTS, TABLES, words
from apehost_core.store.console_parser import Parser, ParserStuck

LONGEST = 20_000
_MOST_NODES = 20_000
_MOST_DEPTH = 400
_MOST_TABLES = 30
_MOST_GROWTH = 90
_MOST_TIMES = 64
_NOWHERE = 2**63
_KNOWN = 64
_EXPRESSIONS = words(
    "BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA OPERATOR PARAMETER "
    "POSITIONAL_REFERENCE STAR SUBQUERY TYPE WINDOW"
)
_NODES = words(
    "SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE CTE_NODE BASE_TABLE SUBQUERY JOIN TABLE_FUNCTION EMPTY "
    "EXPRESSION_LIST PIVOT SHOW_REF ORDER_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER DISTINCT_MODIFIER "
    "ORDER_DEFAULT ASCENDING DESCENDING"
)
_COMPARED = frozenset({"COMPARE_IN", "COMPARE_NOT_IN"})
_SKIPPED = frozenset({"cte_map", "literal", "sample", "qualified_name", "column_names", "named_param_map"})
_WIDTH = re.compile(r"\d{4}|\*|\{[^}]*\{")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the tree something stands.

    Attributes:
        at: Byte of the statement's text.
        depth: How many nodes are around it.
        ctes: Names of the queries of WITH that are seen from here, in lower case.
        bound: Parameters of the lambdas around; None outside of lambdas.
        compared: Whether it is only compared with something.
    """

    at: int = 0
    depth: int = 0
    ctes: frozenset[str] = frozenset()
    bound: frozenset[str] | None = None
    compared: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that may be run.

    Attributes:
        sql: One SELECT, without the semicolon at its end.
        parameters: Their names, without $.
    """

    sql: str
    parameters: tuple[str, ...]


class Guard:
    """Checks statements; from any thread."""

    def __init__(self, views: Collection[str]) -> None:
        self._views = frozenset(view.lower() for view in views)
        self._parser = Parser()
        self._known: OrderedDict[str, Statement | Fault] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, sql: str) -> Statement:
        """Return a statement with the names of its parameters, in the order in which they are first named.

        Raises:
            InputRefused: It may not be run; the fault says what and where.
            StoreError: The parser could not be started.
        """
        with self._lock:
            known = self._known.get(sql)
        if known is None:
            try:
                known = self._checked(sql)
            except InputRefused as error:
                known = error.fault
            with self._lock:
                self._known[sql] = known
                while len(self._known) > _KNOWN:
                    self._known.popitem(last=False)
        if isinstance(known, Fault):
            raise InputRefused(known)
        return known

    def close(self) -> None:
        """Let go of the parser."""
        self._parser.close()

    def _checked(self, sql: str) -> Statement:
        walk = _Walk(sql, self._views)
        walk.over(self._tree(sql, walk))
        statement = Statement(_without_end(sql), tuple(walk.parameters))
        self._parsed(f"SELECT * FROM ({statement.sql}\n) LIMIT 0")  # so it is run: that has to be read in time, too
        return statement

    def _tree(self, sql: str, walk: "_Walk") -> Any:
        nothing = refused("There is no statement", "Type a SELECT, or take one of the examples.")
        if not sql.strip():
            raise nothing
        if len(sql) > LONGEST:
            raise refused(f"The statement has {len(sql):,} characters; the limit is {LONGEST:,}")
        if "\0" in sql:
            raise refused("The statement has a character of code zero", "Take it out.")
        tree = self._parsed(sql)
        if tree["error"]:
            self._say_why(tree, walk)
        if not tree["statements"]:
            raise nothing
        if len(tree["statements"]) != 1:
            raise refused("There is more than one statement", "Run one at a time: leave out all but one SELECT.")
        return tree["statements"][0]

    def _parsed(self, sql: str) -> Any:
        try:
            tree = self._parser.parse(sql)
        except ParserStuck as error:
            advice = "Close all brackets, and nest less."
            raise refused("The statement cannot be read in a reasonable time", advice) from error
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            tree = None
        if tree is None:
            advice = "It is nested too deeply, or has characters that are none."
            raise refused("The statement cannot be read", advice)
        return tree

    def _say_why(self, tree: Any, walk: "_Walk") -> NoReturn:
        if tree["error_type"] == "parser":
            message = str(tree["error_message"]).splitlines()[0]
            raise walk.refused(f"DuckDB cannot read the statement: {message}", int(tree.get("position", 0)))
        advice = "Nothing can be changed here, and there is nothing to set. PIVOT needs its values: IN (…), in FROM."
        raise refused("Only SELECT can be run here", advice)


class _Walk:
    """One look at every node of a statement.

    Attributes:
        parameters: Names that were found.
    """

    def __init__(self, sql: str, views: frozenset[str]) -> None:
        self.parameters: dict[str, None] = {}
        self._bytes = sql.encode(errors="replace")
        self._views = views
        self._nodes = self._tables = self._growth = 0
        self._times = 1

    def over(self, tree: Any) -> None:
        """Look at all nodes; without recursion, since a statement may be nested more deeply than Python may call."""
        waiting: list[tuple[Any, _Place]] = [(tree, _Place())]
        while waiting:
            value, place = waiting.pop()
            if isinstance(value, list):
                waiting.extend((item, place) for item in reversed(cast(list[Any], value)))
            elif isinstance(value, dict):
                self._nodes += 1
                if self._nodes > _MOST_NODES:
                    raise refused("The statement is too long", "Leave something out, or run it in parts.")
                waiting.extend(reversed(list(self._look(cast(dict[str, Any], value), place))))

    def refused(self, title: str, at: int, advice: str = "") -> InputRefused:
        """Return the refusal of what stands at a byte of the statement."""
        before = self._bytes[:at].decode(errors="ignore")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return refused(title, advice, f"Line {line}, character {column}.")

    def _look(self, node: dict[str, Any], place: _Place) -> Iterator[tuple[Any, _Place]]:
        """Judge one node; returns its children with their places."""
        place = self._inside(node, place)
        expression, kind = node.get("class"), node.get("type")
        if isinstance(kind, str) and (kind not in _NODES if expression is None else expression not in _EXPRESSIONS):
            raise self.refused(f"{_plain(kind)} cannot be used here", place.at, "Only SELECT over the views can.")
        match expression or kind:
            case "BASE_TABLE":
                self._table(node, place)
            case "TABLE_FUNCTION":
                self._table_function(node["function"], place)
                yield node["function"]["arguments"], place
                return
            case "SHOW_REF":
                if node["query"] is None or node["show_type"] not in ("DESCRIBE", "SUMMARY"):
                    raise self.refused("SHOW cannot be used here", place.at, "What there is stands beside the box.")
            case "FUNCTION" | "WINDOW":
                self._function(node, place)
            case "COLUMN_REF":
                self._column(node, place)
            case "PARAMETER":
                self._parameter(node, place)
            case "LAMBDA":
                place = self._lambda(node, place)
            case _:
                pass
        compared = expression in ("COMPARISON", "BETWEEN") or kind in _COMPARED
        yield from self._children(node, replace(place, compared=compared))

    def _inside(self, node: dict[str, Any], place: _Place) -> _Place:
        """Return the place of a node among its like."""
        at = node.get("query_location", _NOWHERE)
        place = replace(place, at=at if at < _NOWHERE else place.at, depth=place.depth + 1)
        if place.depth > _MOST_DEPTH:
            raise self.refused("The statement is nested too deeply", place.at, "Name parts of it with WITH.")
        return place

    def _children(self, node: dict[str, Any], place: _Place) -> Iterator[tuple[Any, _Place]]:
        ctes = place.ctes
        for entry in node["cte_map"]["map"] if "cte_map" in node else ():
            name = str(entry["key"]).lower()
            inside = ctes | {name} if entry["value"]["query_node"]["type"] == "RECURSIVE_CTE_NODE" else ctes
            yield entry["value"], replace(place, ctes=inside)
            ctes |= {name}
        place = replace(place, ctes=ctes)
        for key, child in node.items():
            if key not in _SKIPPED and isinstance(child, dict | list):
                yield child, place

    def _table(self, node: dict[str, Any], place: _Place) -> None:
        self._count_table(place)
        name, schema, catalog = str(node["table_name"]), str(node["schema_name"]), node["catalog_name"]
        if node["at_clause"] is not None:
            raise self.refused("AT cannot be used here", place.at)
        if not schema and not catalog and name.lower() in place.ctes:
            return
        if name.lower() not in self._views or catalog or schema.lower() not in ("", "main"):
            raise self._no_table(name, place)

    def _no_table(self, name: str, place: _Place) -> InputRefused:
        view = f"v_{name.lower()}"
        hint = f"Did you mean {view}?" if view in self._views else f"There are: {', '.join(sorted(self._views))}."
        return self.refused(f"{_shown(name)} is none of the views that can be read here", place.at, hint)

    def _count_table(self, place: _Place) -> None:
        self._tables += 1
        if self._tables > _MOST_TABLES:
            raise self.refused(f"More than {_MOST_TABLES} tables in one statement are too many", place.at)

    def _table_function(self, node: dict[str, Any], place: _Place) -> None:
        self._count_table(place)
        name = str(node["function_name"])
        if name.lower() not in TABLES or node["schema"] or node["catalog"]:
            advice = f"In FROM there can be views, queries, and {', '.join(sorted(TABLES))}."
            raise self.refused(f"The function {_shown(name)} cannot be used here", place.at, advice)

    def _function(self, node: dict[str, Any], place: _Place) -> None:
        name = str(node["function_name"]).lower()
        if name in SMALL_NUMBERS or name in SMALL_TEXTS:
            self._small(name, node, place)
        elif name not in ALLOWED or node.get("export_state"):
            advice = "It could reach more than the views, or make more than memory holds."
            if name in TABLES:
                advice = f"It can stand in FROM: SELECT … FROM {name}(…) AS t(x)."
            raise self.refused(f"The function {_shown(name)} cannot be used here", place.at, advice)
        if name in GROWING:
            self._growth += 1 + len(node["arguments"])
            if self._growth > _MOST_GROWTH:
                raise self.refused(f"More than {_MOST_GROWTH} texts or lists are put together", place.at)

    def _small(self, name: str, node: dict[str, Any], place: _Place) -> None:
        """Check that what decides the size of a result is written out and small."""
        if node["schema"]:
            raise self.refused(f"Write {name}(…) with all its arguments", place.at)
        position, most = SMALL_NUMBERS.get(name) or SMALL_TEXTS[name]
        arguments = node["arguments"]
        if len(arguments) <= position:
            return
        literal: dict[str, Any] = arguments[position]["expression"].get("literal") or {"kind": "", "text": ""}
        if not (_is_number(literal, most) if name in SMALL_NUMBERS else self._is_text(literal, most, name)):
            advice = f"Its argument {position + 1} has to be written out in the statement, and be small."
            raise self.refused(f"The function {name} could make too much of this", place.at, advice)

    def _is_text(self, literal: dict[str, Any], most: int, name: str) -> bool:
        """Whether a constant is a text that makes others longer by no more than allowed."""
        text = str(literal["text"])
        if literal["kind"] != "STRING" or len(text) > most:
            return False
        if name in ("format", "printf"):
            return not _WIDTH.search(text)
        self._times *= max(1, len(text) + (name == "regexp_replace"))
        return self._times <= _MOST_TIMES

    def _column(self, node: dict[str, Any], place: _Place) -> None:
        if place.bound is None or place.compared or str(node["column_names"][0]).lower() in place.bound:
            return
        advice = "Compare it there, or use unnest in FROM: for each element of a list it would be copied."
        raise self.refused(f"{_shown(node['column_names'][-1])} cannot be used inside a lambda", place.at, advice)

    def _parameter(self, node: dict[str, Any], place: _Place) -> None:
        name = str(node["identifier"])
        if name.isdecimal():
            raise self.refused("A parameter needs a name", place.at, "Write $model, not ? or $1.")
        self.parameters.setdefault(name)

    def _lambda(self, node: dict[str, Any], place: _Place) -> _Place:
        """Return the place inside of a lambda. JSON's arrow is parsed as one, too."""
        if node["syntax_type"] != "LAMBDA_KEYWORD":
            if node["expr"].get("class") not in ("CONSTANT", "PARAMETER"):
                raise self.refused("Write lambda x: … in place of x -> …", place.at)
            return place
        left = node["lhs"]
        found = [left] if left["class"] == "COLUMN_REF" else [item["expression"] for item in left["arguments"]]
        names = {str(name["column_names"][0]).lower() for name in found}
        return replace(place, bound=frozenset(names) | (place.bound or frozenset()))


def refused(title: str, advice: str = "", cause: str = "") -> InputRefused:
    """Return the refusal of a statement."""
    return InputRefused(Fault(kind="bad_request", title=title, cause=cause, advice=advice))


def _without_end(sql: str) -> str:
    """Return the one statement of a text without its semicolon and what comes after."""
    text = sql.encode()
    for at, kind in duckdb.tokenize(sql):
        if kind == duckdb.token_type.operator and text[at : at + 1] == b";":
            return text[:at].decode()
    return sql


def _is_number(literal: dict[str, Any], most: int) -> bool:
    text = str(literal["text"])
    return literal["kind"] == "INTEGER" and len(text) < 10 and int(text) <= most


def _shown(name: object) -> str:
    text = str(name)
    return f'"{text if len(text) <= 60 else text[:59] + "…"}"'


def _plain(kind: str) -> str:
    return kind.removesuffix("_QUERY_NODE").removesuffix("_NODE").removesuffix("_REF").replace("_", " ")
