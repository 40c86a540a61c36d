"""A browser tab on the app, without a browser."""

import json
import pickle
import re
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self
from xml.etree.ElementTree import fromstring

from streamlit.components.v2 import presentation
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, ChatMessage, Element, ElementTree, Node

from apehost_ui import state

ROOT = Path(__file__).parents[2]
Event = Literal["open", "preview", "pick"]
"""What rows tell."""
PageName = Literal["chat", "servers", "compare", "history"]
_PATIENCE_S = 60
_PICKER = "model_picker"
_SIDEBAR = 1  # where Streamlit keeps it among the places of a page
# Each tester would make its own, and search all installed packages for components, for a quarter of a second.
COMPONENTS = BidiComponentManager()
_LABELLED = ("button", "expander", "text_input", "selectbox")
_WRITTEN = ("text", "markdown", "caption", "title", "header", "subheader", "error", "warning", "info", "success")


class Tab:
    """One session on the app.

    Attributes:
        at: The same as Streamlit's tester knows it.
    """

    def __init__(
        self,
        page: PageName = "chat",
        named: Mapping[str, str | list[str]] | None = None,
        *,
        link: str | None = None,
        message: str | None = None,
    ) -> None:
        """Open the app.

        Args:
            page: The page that the URL names.
            named: What else it names.
            link: The conversation that it names; None names none.
            message: The message of it that it names.
        """
        self.at = AppTest.from_file(ROOT / "apehost_ui" / "frame.py", default_timeout=_PATIENCE_S)
        self.at._bidi_component_manager = COMPONENTS
        if page != "chat":
            self.at.switch_page(f"../pages/{page}.py")
        self.at.query_params.update(named or {})
        if link is not None:
            self.at.query_params[state.CONVERSATION] = link
        if message is not None:
            self.at.query_params[state.MESSAGE] = message
        self.run()

    def run(self) -> Self:
        """Run the script as any event of the browser does; nothing may be raised."""
        self.at.run()
        return self._checked()

    def _checked(self) -> Self:
        raised = ["\n".join((error.message, *error.stack_trace)) for error in self.at.exception]
        assert not raised, "\n\n".join(raised)
        for value in self.at.session_state.values():
            if type(value).__module__ != presentation.__name__:  # the state of a component of ours: JSON
                pickle.dumps(value)  # page state is plain data: a host or a client in it fails here
        return self

    def to(self, page: PageName) -> Self:
        """Switch to a page of the navigation."""
        self.at.switch_page(f"../pages/{page}.py")
        return self.run()

    def send(self, text: str) -> Self:
        """Write a text into the composer and press Enter."""
        self.at.chat_input(key=state.COMPOSER_KEY).set_value(text)
        return self.run()

    def press(self, label: str) -> Self:
        """Press the button of that label."""
        (button,) = [button for button in self.at.button if plain(button.label) == label]
        button.click()
        return self.run()

    def click(self, key: str) -> Self:
        """Press the button of that key."""
        self.at.button(key=key).click()
        return self.run()

    def tell(self, event: Event, title: str) -> Self:
        """Do what a press on a row of that title does."""
        (drawn, row_id) = next(
            (drawn, row["id"]) for drawn in self._lists for row in _rows(drawn) if title == _title(row)
        )
        return self._told(drawn, event, row_id)

    def narrow(self, facet: str, value: str) -> Self:
        """Press a value of a facet."""
        (drawn,) = self._drawn("facets")
        (words,) = [
            each["words"]
            for line in _data(drawn)["lines"]
            if line["name"] == facet
            for each in line["values"]
            if each["value"] == value
        ]
        return self._told(drawn, "pick", words)

    def _told(self, drawn: Node, event: str, value: str) -> Self:
        states = self._tree.get_widget_states()
        told = json.dumps([{"event": event, "value": value}])
        states.widgets.add(id=_make_trigger_id(drawn.proto.id, "events"), json_trigger_value=told)
        self.at._run(states)
        return self._checked()

    def write(self, **texts: str) -> Self:
        """Write into fields, named by their keys with _ for -; nothing is sent yet."""
        for key, text in texts.items():
            self.at.text_input(key=key.replace("_", "-")).set_value(text)
        return self

    def section(self, name: str) -> Self:
        """Switch to a section of the page."""
        self.at.button_group[0].set_value(name)
        return self.run()

    def rename(self, title: str) -> Self:
        """Give the opened conversation a name in its dialog."""
        self.press("Rename")
        self.at.text_input(key="new-name").set_value(title)
        return self.press("Save")

    def pick(self, label: str) -> Self:
        """Pick the model of that label in the sidebar."""
        self.at.selectbox(key=_PICKER).select(label)
        return self.run()

    @property
    def picked(self) -> str:
        """The label of the picked model."""
        box = self.at.selectbox(key=_PICKER)
        return "" if box.index is None else box.options[box.index]

    @property
    def models(self) -> list[str]:
        """The labels of the models to pick from."""
        return self.at.selectbox(key=_PICKER).options

    @property
    def buttons(self) -> list[str]:
        """The labels of all buttons."""
        return [plain(button.label) for button in self.at.button]

    @property
    def conversation(self) -> str:
        """The conversation that the URL names; empty on a new chat."""
        return self.at.query_params.get(state.CONVERSATION, "")

    @property
    def composer(self) -> str:
        """What the page filled the composer with."""
        return self.at.chat_input(key=state.COMPOSER_KEY).proto.value

    @property
    def messages(self) -> list[ChatMessage]:
        """The messages that are drawn, oldest first."""
        return list(self.at.chat_message)

    @property
    def answer(self) -> str:
        """What people read in the last message."""
        return words(self.messages[-1])

    @property
    def listed(self) -> list[dict[str, Any]]:
        """What the rows of the page's lists say, in order."""
        return [row for drawn in self._lists for row in _rows(drawn)]

    @property
    def titles(self) -> list[str]:
        """The titles of those rows."""
        return [_title(row) for row in self.listed]

    @property
    def _lists(self) -> list[Node]:
        return self._drawn("rows")

    def _drawn(self, component: str) -> list[Node]:
        name = f"apehost.{component}"
        return [each for each in self.at.get("bidi_component") if each.proto.component_name == name]

    def box(self, key: str) -> str:
        """What people read in the container of that key."""
        return words(self.at.get_by_key(key))

    @property
    def rows(self) -> list[dict[Hashable, Any]]:
        """The lines of the page's first table, by its headings."""
        return self.at.dataframe[0].value.to_dict("records")

    @property
    def sidebar(self) -> str:
        """What people read in the sidebar."""
        return words(self.at.sidebar)

    @property
    def errors(self) -> str:
        """What the error boxes say."""
        return "\n".join(plain(error.value) for error in self.at.error)

    @property
    def page(self) -> str:
        """What people read outside of the sidebar, the composer's surroundings included."""
        return "\n".join(words(block) for place, block in self._tree.children.items() if place != _SIDEBAR)

    @property
    def wire(self) -> str:
        """All that goes to the browser for the elements and blocks that are drawn."""
        return "\n".join(str(node.proto) for node in self._tree if not isinstance(node, ElementTree))

    @property
    def _tree(self) -> ElementTree:
        return self.at._tree


def words(block: Block | Element) -> str:
    """Return what people read in a block: texts and labels, one line an element."""
    return "\n".join(filter(None, _lines(block)))


def _lines(block: Block | Element) -> Iterator[str]:
    for node in block:
        if node.type in _LABELLED:
            yield plain(node.proto.label)
        elif isinstance(node, Element) and node.type in _WRITTEN:
            yield plain(str(node.value))
        elif node.type == "html" and node.proto.body.startswith("<table"):
            yield from (" ".join(line) for line in text_table(node))
        elif node.type == "html" and node.proto.body.startswith("<div"):
            yield from fromstring(node.proto.body).itertext()
        elif node.type == "bidi_component":
            for row in _data(node).get("rows", []):
                yield _title(row)
                yield " ".join([row["about"], *row["badges"]])
                yield "".join(text for text, _ in row["text"])
            for line in _data(node).get("lines", []):
                yield " ".join([line["name"], *(f"{each['value']} {each['count']}" for each in line["values"])])


def text_table(drawn: Node) -> list[list[str]]:
    """Return the lines of a table of text, its heads first where it has some."""
    assert isinstance(drawn, Element)
    return [["".join(cell.itertext()) for cell in line] for line in fromstring(drawn.proto.body).iter("tr")]


def _rows(drawn: Node) -> list[dict[str, Any]]:
    """Return what the rows of a list say."""
    return _data(drawn)["rows"]


def _data(drawn: Node) -> dict[str, Any]:
    """Return what a component of ours is to draw."""
    return json.loads(drawn.proto.mixed.json or drawn.proto.json)


def _title(row: dict[str, Any]) -> str:
    return "".join(text for text, _ in row["title"])


def plain(markdown: str) -> str:
    """Return Markdown as people read it: without the backslashes of its escapes and without word joiners."""
    return re.sub(r"\\([^a-zA-Z0-9\s])", r"\1", markdown).replace("\u2060", "")
