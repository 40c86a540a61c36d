"""The history page's section of cards: what is said of models and tools, and in which words."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from streamlit.testing.v1.element_tree import Block

from apehost_core.history.cards import PromptSpeed, Rate, Spread, Uses, VoteCount
from apehost_core.store.database import Database
from apehost_core.testing.simulator import Simulator
from apehost_ui.components import history_card_words as say
from tests.integration.recorded_calls import mixed_calls, record_calls, record_tool_calls
from tests.ui.conftest import Start
from tests.ui.tab import Tab, plain, text_table

HOSTILE = "<b>*evil*</b> [x](http://e.com) ![y](http://e.com/y.png) $5$"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
USES = Uses(
    calls=200,
    answered=190,
    conversations=1,
    prompt_tokens=3_400_000,
    completion_tokens=25_000,
    estimated=10,
    kinds=(("chat", 150), ("compare", 50)),
    servers=(("mini", 200),),
    first_at=AT,
    last_at=AT + timedelta(days=3),
)


def record(folder: Path, calls: list[dict[str, Any]], tool_calls: list[dict[str, Any]]) -> None:
    """Put calls on the record of a folder where no host is open; unless they say otherwise, an hour ago."""
    folder.mkdir(exist_ok=True)
    lately = {"started_at": datetime.now(UTC) - timedelta(hours=1)}
    database = Database.open(folder / "apehost.duckdb")
    record_calls(database, [lately | call for call in calls])
    record_tool_calls(database, [lately | call for call in tool_calls])
    database.close()


def read(cell: str) -> str:
    """What people read in a cell, without what keeps its words together."""
    return plain(cell).replace("\u00a0", " ")


class CardsTab(Tab):
    """One session on the section of cards."""

    def __init__(self, **parameters: str | list[str]) -> None:
        """Open the section; the parameters stand in the URL."""
        super().__init__("history", {"section": "models"} | parameters)

    def card(self, place: int, kind: str = "model") -> dict[str, str]:
        """What a card says, by what it calls it."""
        block = self.at.get_by_key(f"{kind}-card-{place}")
        assert isinstance(block, Block)
        return {what: read(words) for what, words in text_table(block.get("html")[0])}


def test_nothing_recorded_is_said(start: Start) -> None:
    """Before the first call the section says what will stand there."""
    start({"mini": Simulator()})
    assert "Nothing is recorded yet." in CardsTab().page


def test_a_model_has_a_card(start: Start, data_dir: Path) -> None:
    """A card says how much a model is used and for what, with shares only where there is enough to tell."""
    calls = [{"model_asked": "gemma"} for _ in range(40)] + [{"model_asked": "qwen", "quantisation": None}] * 3
    record(data_dir, [*calls, {"model_asked": "gemma", "kind": "title"}], [])
    start({"mini": Simulator()})
    tab = CardsTab()
    assert "gemma Q4_K_M\n41 calls · 4,100 prompt and 451 answer tokens" in tab.box("model-card-0")
    gemma, qwen = tab.card(0), tab.card(1)
    assert gemma["Used for"] == "chats 98 %, naming chats 2.4 %"
    assert gemma["Failed"] == "0 % [0-8.6] of 41 calls"
    assert qwen["Failed"] == "0 of 3 calls, not enough to tell"
    assert qwen["Reads prompts at"] == "not enough prompts of different length to tell"
    assert qwen["Tools"] == "never called one"


def test_speeds_stand_by_prompt_length(start: Start, data_dir: Path) -> None:
    """First token and speed of writing are told for each length of prompt; of few calls, only the median."""
    record(data_dir, [{"prompt_tokens": 100}] * 10 + [{"prompt_tokens": 3000}], [])
    start({"mini": Simulator()})
    block = CardsTab().at.get_by_key("model-card-0")
    assert isinstance(block, Block)
    assert [
        ["0 to 255", "200 ms (200-200)", "20 (20-20)", "10"],
        ["2,048 to 4,095", "200 ms", "20", "1"],
    ] == [[read(cell) for cell in line] for line in text_table(block.get("html")[1])[1:]]


def test_a_tool_has_a_card(start: Start, data_dir: Path) -> None:
    """A card says how often a tool succeeds, how long it takes and how it fails."""
    failed = {"error_kind": "failed"}
    record(data_dir, [{}], [{} for _ in range(30)] + [failed, {"error_kind": "bad_arguments"}])
    start({"mini": Simulator()})
    tab = CardsTab(cards="Tools")
    assert "calculator\n32 calls · built in · last on" in tab.box("tool-card-0")
    card = tab.card(0, "tool")
    assert card["Succeeds"] == "97 % [84-99] of 31 calls"
    assert card["Arguments taken"] == "97 % [84-99] of 32 calls"
    assert card["Takes"].startswith("5 ms (5-5), n = ")
    assert card["Errors"] == "arguments not taken 1, failed 1"


def test_no_tool_was_called(start: Start, data_dir: Path) -> None:
    """Without a tool call the section says what will stand there."""
    record(data_dir, [{}], [])
    start({"mini": Simulator()})
    assert "No tool was called in this time" in CardsTab(cards="Tools").page


def test_many_models_have_pages(start: Start, data_dir: Path) -> None:
    """Six models stand on a page; the URL names the page."""
    record(data_dir, [{"model_asked": f"model-{place}"} for place in range(8) for _ in range(8 - place)], [])
    start({"mini": Simulator()})
    assert "model-5" in CardsTab().box("model-card-5")
    tab = CardsTab(models_page="2")
    assert ["model-6", "model-7"] == [tab.box(f"model-card-{place}").split()[1] for place in range(2)]


def test_cards_of_all_sorts_of_calls(start: Start, data_dir: Path) -> None:
    """Cards stand for whatever is on record, imported calls on cards of their own."""
    record(data_dir, mixed_calls(300), [])
    start({"mini": Simulator()})
    tab = CardsTab(period="All", imported="true", models_page="3")
    assert "Imported, as other programs said" in tab.page
    assert tab.card(0)["On"].startswith(("mini ", "tower "))


def test_names_are_never_markdown(start: Start, data_dir: Path) -> None:
    """Names of models, servers and tools are drawn as they are: nothing in them is alive."""
    call = {"model_asked": HOSTILE, "server": HOSTILE}
    record(data_dir, [call], [{"tool": HOSTILE, "source": HOSTILE}])
    start({"mini": Simulator()})
    models = CardsTab()
    assert models.card(0)["On"].startswith(HOSTILE)
    for tab in (models, CardsTab(cards="Tools")):
        drawn = [text.value for text in (*tab.at.markdown, *tab.at.caption)]
        hostile = [text for text in drawn if "evil" in text]
        assert hostile
        tables = [each.proto.body for each in tab.at.main.get("html") if each.proto.body.startswith("<table")]
        elements = [element for table in tables for element in fromstring(table).iter()]
        assert {"table", "thead", "tbody", "tr", "th", "td"} >= {element.tag for element in elements}
        assert all("[x]" not in text and "![" not in text and "$5" not in text.replace("\\$", "") for text in hostile)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (Rate(0, 0, 0.0, 1.0), "no answer yet"),
        (Rate(1, 7, 0.03, 0.5), "1 of 7 answers, not enough to tell"),
        (Rate(38, 1203, 0.023, 0.043), "3.2 % [2.3-4.3] of 1,203 answers"),
    ],
)
def test_rates_are_said_with_what_they_rest_on(rate: Rate, expected: str) -> None:
    """A share has its interval and its n; of few cases only the counts are said."""
    assert expected == say.rate_words(rate, "answer")


def test_numbers_have_units() -> None:
    """Speeds, times and counts are never bare numbers."""
    assert say.spread_words(Spread(90.0, 412.0, 1200.0, 10), "ttft_ms") == "412 ms (90-1,200)"
    assert say.spread_words(Spread(900.0, 4120.0, 12000.0, 10), "ttft_ms") == "4.12 s (0.900-12)"
    assert say.spread_words(Spread(90.0, 412.0, 1200.0, 9), "ttft_ms") == "412 ms"
    assert say.spread_words(None, "ttft_ms") == "not known"
    words = say.prompt_speed_words(PromptSpeed(1234.0, 1200.0, 1270.0, 85.0, 1203, "mini"))
    assert words == "1,234 tok/s [1,200-1,270] on mini, after 85 ms (n = 1,203)"


def test_uses_are_said_in_short() -> None:
    """Counts, tokens with the part that is estimated, and days."""
    tokens = "3.40M prompt and 25k answer tokens (5.0 % of the calls estimated)"
    expected = f"200 calls · 1 chat · {tokens} · 1 Mar 2026 to 4 Mar 2026"
    assert expected == say.uses_words(USES, "UTC")
    assert say.purposes(USES) == "chats 75 %, comparisons 25 %"
    assert say.shares([(name, 1) for name in "abcde"]) == "a 20 %, b 20 %, c 20 %, d 20 %, 1 more"


def test_votes_are_counted() -> None:
    """Only what there was is named."""
    assert say.votes_words(VoteCount(won=12, ties=2)) == "won 12, ties 2"
    assert say.votes_words(VoteCount()) == "no vote yet"
