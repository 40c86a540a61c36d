"""What people and models write, as it reaches the browser: a model's text is safe Markdown, a person's is text."""

import re
from dataclasses import dataclass

import pytest

from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from tests.ui.conftest import Start
from tests.ui.running import Running
from tests.ui.tab import Tab

PIXEL = "http://192.0.2.1/x.png"
IMAGE = re.compile(r"(?<!\\)!\[[^\]]*\](?:\(|\[)")
SCRIPT_LINK = re.compile(r"\]\(\s*<?\s*(?:javascript|data|vbscript):", re.IGNORECASE)
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "html image": f"<img src='{PIXEL}' onerror='alert(1)'>",
    "image": f"![picture]({PIXEL})",
    "nameless image": f"![]({PIXEL})",
    "image behind a reference": f"![picture][there]\n\n[there]: {PIXEL}",
    "image in a link": f"[![picture]({PIXEL})](http://192.0.2.1)",
    "image in brackets": f"![a [b]]({PIXEL})",
    "script link": "[x](javascript:alert(1))",
    "shouted script link": "[x]( JavaScript:alert(1))",
    "data link": "[x](data:text/html;base64,PHNjcmlwdD4=)",
}
# Places where a reading of the text line by line and the browser's part.
HIDDEN = {
    "words over two lines": f"![a\npicture]({PIXEL})",
    "words over two lines, reference": f"![a\npicture][there]\n\n[there]: {PIXEL}",
    "tick that nothing closes": f"`a\n\n![picture]({PIXEL})\n\nb`",
    "tick that is escaped": f"\\`![picture]({PIXEL})`",
    "fence that is none": f"```x`\n![picture]({PIXEL})\n",
    "fence that ends with its list": f"1. a\n\n   ```\n   code\n\nb ![picture]({PIXEL})\n",
    "fence inside of HTML": f"<div>\n```\n</div>\n\n![picture]({PIXEL})\n",
    "dollars that nothing closes": f"a $$b\n\n![picture]({PIXEL})\n\nc$$ d",
}
TYPED = (
    "<script>alert(1)</script>",
    f"![]({PIXEL}) [x](javascript:alert(1))",
    "*stars* _lines_ `ticks` # heading\n- list",
    ":smile: $x^2$ :red[hot]",
)
LETTERS = (
    "مرحبا بالعالم \u202eabc\u202c",
    "👩‍👩‍👧‍👦 e\u0301 \U0001f1e9\U0001f1ea",
    "bell \x07 escape \x1b[31m tab\tend",
    "two\n\n\nblank lines   and spaces",
)


@dataclass(frozen=True)
class Chat:
    """A conversation with a model that says what it is told to."""

    app: Running
    simulator: Simulator
    tab: Tab

    def answered(self, written: str) -> list[str]:
        """The Markdown that an answer becomes, as it goes to the browser."""
        self.simulator.models = (SimModel(words=(written,)),)
        self.app.ask(self.tab, "Hello?")
        return drawn(self.tab)


@pytest.fixture
def chat(start: Start) -> Chat:
    """A new conversation."""
    simulator = Simulator()
    return Chat(start({"mini": simulator}), simulator, Tab())


def drawn(tab: Tab) -> list[str]:
    """The Markdown of the last message, as it goes to the browser."""
    return [element.value for element in tab.messages[-1].markdown]


def is_bad(markdown: str) -> bool:
    """Whether a browser would load an image for it, or run what its links are."""
    return IMAGE.search(markdown) is not None or SCRIPT_LINK.search(markdown) is not None


def test_a_models_text_loads_and_runs_nothing(chat: Chat) -> None:
    """In none of the ways to write one is there an image of another host, or a link that is a script."""
    became = {name: "\n".join(chat.answered(written)) for name, written in HOSTILE.items()}
    assert {} == {name: markdown for name, markdown in became.items() if is_bad(markdown)}


def test_no_image_hides_from_us(chat: Chat) -> None:
    """Nor where something else than an image seems to stand."""
    became = {name: "\n".join(chat.answered(written)) for name, written in HIDDEN.items()}
    assert {} == {name: markdown for name, markdown in became.items() if is_bad(markdown)}


def test_html_of_a_model_is_shown_and_not_obeyed(chat: Chat) -> None:
    """It goes to the browser as text that no element may take for HTML."""
    assert [HOSTILE["script"]] == chat.answered(HOSTILE["script"])
    assert [False] == [element.allow_html for element in chat.tab.messages[-1].markdown]


def test_a_live_answer_loads_and_runs_nothing(start: Start) -> None:
    """What is safe at the end is safe while it is written."""
    words = ("\n\n".join(HOSTILE.values()), *(" more",) * 5_000)
    tab = start({"mini": Simulator(SimModel(words=words, tokens_per_s=20))}).answering()
    assert "not loaded" in tab.answer
    assert [] == [markdown for markdown in drawn(tab) if is_bad(markdown)]


def test_reasoning_loads_and_runs_nothing(start: Start) -> None:
    """Thoughts are a model's text too."""
    tab = start({"mini": Simulator(SimModel(reasoning=("\n\n".join(HOSTILE.values()),)))}).asked()
    (thoughts,) = [element.value for element in tab.at.expander[0].markdown]
    assert "not loaded" in thoughts
    assert not is_bad(thoughts)


def test_an_image_becomes_a_link_that_says_so(chat: Chat) -> None:
    """The reader learns that there was one, and from where."""
    assert [f"[a picture]({PIXEL}) \\[image at 192.0.2.1, not loaded\\]"] == chat.answered(f"![a picture]({PIXEL})")


def test_code_is_left_alone(chat: Chat) -> None:
    """What stands in a fence is shown letter by letter."""
    code = f"```markdown\n![]({PIXEL}) [x](javascript:alert(1)) $5\n```"
    assert [code] == chat.answered(code)


def test_a_models_letters_arrive_whole(chat: Chat) -> None:
    """Right-to-left text, emoji of several parts and control characters reach the page as the model sent them."""
    assert [[letters] for letters in LETTERS] == [chat.answered(letters) for letters in LETTERS]


def test_a_persons_text_is_drawn_as_typed(chat: Chat) -> None:
    """It is text, not Markdown, letter by letter."""
    for text in (*TYPED, *LETTERS):
        chat.app.ask(chat.tab, text)
    mine = [message for message in chat.tab.messages if message.name == "user"]
    assert [*TYPED, *LETTERS] == [element.value for message in mine for element in message.text]
    assert [] == [element.value for message in mine for element in message.markdown]
