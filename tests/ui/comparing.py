"""A browser tab on the compare page, and how comparisons are set up there."""

from typing import Any, Self

from apehost_core.compare.comparison import Comparison, State
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from apehost_ui import state
from tests.ui.running import Running, until
from tests.ui.tab import Tab

WORDS = tuple(f"word{number} " for number in range(12))
QUICK = SimModel("quick", words=WORDS)
CALM = SimModel("calm", words=WORDS)
ENDLESS = SimModel("endless", words=tuple(f"on{number} " for number in range(5_000)), tokens_per_s=40)
QUICK_LABEL, CALM_LABEL = "Quick Q4_K_M · mini", "Calm Q4_K_M · mini"
ENDLESS_LABEL = "Endless Q4_K_M · mini"


def two() -> dict[str, Simulator | None]:
    """A server with two models that answer at once."""
    return {"mini": Simulator(QUICK, CALM)}


class CompareTab(Tab):
    """One session on the compare page."""

    def __init__(self, *, comparison: str | None = None, draft: str | None = None) -> None:
        """Open the page; a comparison, or the draft of one, is named by the URL; None opens an empty form."""
        super().__init__("compare", {} if draft is None else {state.SECTION: "new", state.DRAFT: draft})
        if draft is not None:
            return
        if comparison is None:
            self.section("new")
        else:
            self.look(comparison)

    def look(self, comparison: str) -> Self:
        """Follow a link to a comparison."""
        self.at.query_params[state.COMPARISON] = comparison
        return self.run()

    def compare(self, *labels: str) -> Self:
        """Pick the models of these labels."""
        self.at.multiselect(key=self.key("models")).set_value(list(labels))
        return self.run()

    def typed(self, name: str, text: str) -> Self:
        """Write into a box of the form and leave it."""
        self.at.text_area(key=self.key(name)).set_value(text)
        return self.run()

    def number(self, name: str, value: float) -> Self:
        """Set a number of the form."""
        self.at.number_input(key=self.key(name)).set_value(value)
        return self.run()

    def switch(self, name: str, value: str) -> Self:
        """Set a switch of the form."""
        self.at.button_group(key=self.key(name)).set_value(value)
        return self.run()

    def key(self, name: str) -> str:
        """The key of a field of the form that is open."""
        return self.at.session_state["compare"].draft.key(name)

    def set(self, name: str, value: str) -> Self:
        """Write into a field of the dialog that is open; nothing is sent yet."""
        widgets: list[Any] = [*self.at.text_input, *self.at.text_area]
        (found,) = [widget for widget in widgets if str(widget.key).endswith(f"-{name}")]
        found.set_value(value)
        return self

    def part(self, name: str) -> Self:
        """Switch to a part of the opened comparison."""
        return self.section(name)

    @property
    def comparison(self) -> str:
        """The comparison that the URL names; empty where none is opened."""
        return self.at.query_params.get(state.COMPARISON, "")

    @property
    def plan(self) -> str:
        """What people read in the plan beside the form."""
        return self.box("compare-plan")

    @property
    def chosen(self) -> list[str]:
        """The labels of the models that are picked."""
        box = self.at.multiselect(key=self.key("models"))
        return [box.options[place] for place in box.indices]

    def column(self, place: int) -> str:
        """What people read in the column of a contender."""
        return self.box(f"answer-{place}")


def in_state(app: Running, comparison: str, *states: State) -> None:
    """Wait until a comparison is in one of the states."""
    until(lambda: kept(app, comparison).state in states)


def kept(app: Running, comparison: str) -> Comparison:
    """A comparison as it is kept."""
    found = app.host.lab.get(comparison)
    assert found is not None
    return found
