"""The history page's search and list: hits, filters, what is done to many, previews and the way into a branch."""

import pytest

from apehost_core.messages import assistant_message, user_message
from apehost_core.testing.simulator import Simulator
from apehost_ui import state
from tests.ui.conftest import Start
from tests.ui.running import Running, until
from tests.ui.tab import Tab, plain

FACTS = {
    "Gorillas": ("What do gorillas eat?", "Gorillas eat mostly leaves and stems."),
    "Lemurs": ("Where do lemurs live?", "Lemurs live in Madagascar, in *trees* [x](y)."),
    "Gibbons": ("How do gibbons move?", "They swing from branch to branch."),
}


@pytest.fixture
def app(start: Start) -> Running:
    """A host on which three chats were had, without a model."""
    app = start({"mini": Simulator()})
    for title, (asked, said) in FACTS.items():
        conversation_id = app.host.conversations.create(title)
        question = app.host.conversations.add_message(conversation_id, None, user_message(asked))
        app.host.conversations.add_message(conversation_id, question.id, assistant_message(said))
    until(lambda: app.host.history.search.find("gibbons").total > 0)
    return app


class HistoryTab(Tab):
    """One session on the history page."""

    def __init__(self, **parameters: str) -> None:
        """Open the page; the parameters stand in the URL."""
        super().__init__("history", parameters)

    def search(self, text: str) -> "HistoryTab":
        """Write into the search box."""
        self.at.text_input(key="q").set_value(text)
        self.run()
        return self

    def place(self, name: str) -> "HistoryTab":
        """Look into another place of the list."""
        self.at.button_group(key="place").set_value(name)
        self.run()
        return self


def ids(app: Running) -> dict[str, str]:
    """The conversations by their titles."""
    return {summary.title: summary.id for summary in app.host.conversations.recent(10)}


def test_everything_is_listed_before_anything_is_searched(app: Running) -> None:
    """Last used first, with what is in it."""
    tab = HistoryTab()
    assert ["Gibbons", "Lemurs", "Gorillas"] == tab.titles
    assert "2 messages" in tab.page


def test_a_search_finds_messages_with_what_was_looked_for_marked(app: Running) -> None:
    """Every word must be there; the words are marked, and nothing else in a snippet is alive."""
    tab = HistoryTab().search("lemurs madagascar")
    assert ["Lemurs"] == tab.titles
    (row,) = tab.listed
    assert [["Lemurs", True], ["Madagascar", True]] == [piece for piece in row["text"] if piece[1]]
    assert "Lemurs live in Madagascar, in *trees* [x](y)." == "".join(text for text, _ in row["text"])
    assert "1 hit" in tab.page


def test_no_hit_has_a_way_out(app: Running) -> None:
    """The page says that there is none, and one press shows everything again."""
    tab = HistoryTab().search("okapi")
    assert "Nothing has all of that" in tab.page
    tab.press("Clear search")
    assert ["Gibbons", "Lemurs", "Gorillas"] == tab.titles


def test_a_wrong_filter_word_is_explained(app: Running) -> None:
    """What cannot be understood is named, and the text stays in the box."""
    tab = HistoryTab().search("modle:gemma lemurs")
    assert "modle" in tab.errors
    assert "modle:gemma lemurs" == tab.at.text_input(key="q").value


def test_a_hit_opens_in_its_branch(app: Running) -> None:
    """The chat page shows the conversation, and the URL names the message."""
    tab = HistoryTab().search("madagascar")
    branch = app.host.conversations.branch(ids(app)["Lemurs"])
    assert f"./?c={ids(app)['Lemurs']}&m={branch[1].id}" == tab.listed[0]["link"]
    tab.tell("open", "Lemurs")
    assert ids(app)["Lemurs"] == tab.at.query_params[state.CONVERSATION]
    assert app.host.conversations.branch(tab.conversation)[1].id == tab.at.query_params[state.MESSAGE]
    assert "Madagascar" in tab.answer


def test_a_preview_shows_what_stands_around_a_hit(app: Running) -> None:
    """Question and answer are drawn below the hit, and hidden again."""
    tab = HistoryTab().search("madagascar").tell("preview", "Lemurs")
    assert "Where do lemurs live?" in tab.page
    assert "Where do lemurs live?" not in tab.tell("preview", "Lemurs").page


def test_a_facet_narrows_the_search(app: Running) -> None:
    """The values of the hits stand with their counts; one that is pressed joins the search, and can be typed away."""
    tab = HistoryTab().search("lemurs live")
    assert ["Lemurs", "Lemurs"] == tab.titles
    assert "role assistant 1 user 1" in tab.page
    tab.narrow("role", "user")
    assert 'lemurs live role:"user"' == tab.at.text_input(key="q").value
    assert ["Lemurs"] == tab.titles


def test_a_link_shows_the_same_search(app: Running) -> None:
    """The URL alone brings search and hits back."""
    assert ["Lemurs"] == HistoryTab(q="madagascar").titles


def test_what_is_picked_is_deleted_and_comes_back(app: Running) -> None:
    """Those that are picked leave list and sidebar, and one press undoes all of it."""
    tab = HistoryTab().press("Select page").press("Delete")
    assert "Deleted: 3 conversations" in tab.page
    assert "Nothing was said yet" in tab.page
    assert [] == app.host.conversations.recent(10)
    tab.press("Undo")
    assert 3 == len(app.host.conversations.recent(10))


def test_archive_and_trash_are_places_of_their_own(app: Running) -> None:
    """What went there is listed there, with the way back."""
    tab = HistoryTab()
    tab.tell("pick", "Gibbons")
    assert [True, False, False] == [row["picked"] for row in tab.listed]
    tab.press("Archive")
    assert ["Gibbons"] == HistoryTab().place("archive").titles
    assert ["Lemurs", "Gorillas"] == HistoryTab().titles
    tab = HistoryTab().place("archive")
    tab.press("Select page").press("Take out of archive")
    assert ["Gibbons", "Lemurs", "Gorillas"] == HistoryTab().titles


def test_tags_are_given_to_many_and_narrow_the_list(app: Running) -> None:
    """A tag is on all that were picked; the list can be narrowed to it, and it can be taken away again."""
    tab = HistoryTab().press("Select page")
    tab.at.text_input(key="bulk-tag-name").set_value("to read")
    tab.run().press("Add")
    assert "to-read" in plain(tab.page)
    assert ("to-read",) == app.host.library.choices().tags
    app.host.library.untag([ids(app)["Lemurs"]], "to-read")
    assert ["Gibbons", "Gorillas"] == HistoryTab(tag="to-read").titles
    tab.press("Undo")
    assert () == app.host.library.choices().tags


def test_a_tag_that_is_typed_comes_with_the_press(app: Running) -> None:
    """Who types a name and presses the button at once has it added: both reach the app together."""
    tab = HistoryTab().press("Select page")
    tab.at.text_input(key="bulk-tag-name").set_value("aa")
    tab.at.button(key="bulk-tag-add").click()
    tab.run()
    assert ("aa",) == app.host.library.choices().tags


def test_what_is_not_seen_is_not_picked(app: Running) -> None:
    """Another filter or another place begins with nothing picked, and says what it lets through."""
    tab = HistoryTab().press("Select page")
    assert "3 selected" in tab.page
    tab.at.text_input(key="title").set_value("gor")
    tab.run()
    assert "selected" not in tab.page
    assert 'Only: title "gor"' in plain(tab.page)
    tab.click("clear-filters-now")
    assert 3 == len(tab.titles)


def test_an_empty_tag_is_refused(app: Running) -> None:
    """Nothing is changed, and the page says what a tag is."""
    tab = HistoryTab().press("Select page").press("Add")
    assert "A tag has 1 to 60 characters" in tab.errors
    assert () == app.host.library.choices().tags


def test_a_filter_that_lets_nothing_through_has_a_way_out(app: Running) -> None:
    """The page says so, and one press clears all filters."""
    tab = HistoryTab(title="no such title")
    assert "No conversation is let through" in tab.page
    tab.click("clear-filters-again")
    assert 3 == len(tab.titles)


@pytest.mark.parametrize("page", ["2", "0", "-1", "x", "99999999999"])
def test_a_page_that_is_not_there_is_the_first(app: Running, page: str) -> None:
    """However the URL was written, something is listed."""
    assert 3 == len(HistoryTab(page=page).titles)


def test_pages_are_turned_and_begin_anew_with_every_search(app: Running) -> None:
    """The URL names the page; another search begins with its first."""
    for number in range(30):
        conversation = app.host.conversations.create(f"More {number}")
        app.host.conversations.add_message(conversation, None, user_message("more"))
    tab = HistoryTab()
    assert ("More 29", 20) == (tab.titles[0], len(tab.titles))
    others = [f"More {number}" for number in range(9, -1, -1)]
    assert [*others, "Gibbons", "Lemurs", "Gorillas"] == HistoryTab(page="2").titles
    assert ["Lemurs"] == HistoryTab(page="2").search("madagascar").titles
