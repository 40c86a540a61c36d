"""The history page's section of the data itself."""

from datetime import UTC, datetime

import pytest

from apehost_core.errors import Fault, StoreError
from apehost_core.history.care import CareJob, Rules, SwapOutcome
from apehost_core.messages import Message, TextPart
from apehost_core.store.care import Care
from apehost_core.store.care_order import write_outcome
from tests.ui.conftest import Start
from tests.ui.running import Running
from tests.ui.tab import Tab


@pytest.fixture
def app(start: Start) -> Running:
    """A host without servers."""
    return start({})


def opened() -> Tab:
    """A new tab on the section."""
    return Tab("history", {"section": "data"})


def ended(app: Running, tab: Tab) -> CareJob:
    """Wait until nothing goes on, and let the tab see it."""
    care(app).settle()
    tab.run()
    job = care(app).job
    assert job is not None
    return job


def care(app: Running) -> Care:
    """What cares for the record."""
    return app.host.history.care


def chat(app: Running, title: str) -> str:
    """Begin a chat with a message."""
    chat_id = app.host.conversations.create(title)
    app.host.conversations.add_message(chat_id, None, Message("user", (TextPart("Who?"),)))
    return chat_id


def test_an_untouched_section_teaches(app: Running) -> None:
    """Before anything was done the section says what is kept and how much it is, and that nothing goes by itself."""
    chat(app, "Great apes")
    tab = opened()
    page = tab.page
    for piece in ("There is no backup yet", "nothing goes unless a rule here says so", "Check now"):
        assert piece in page
    rows = {row["Table"]: row for row in tab.rows}
    assert ("Chats", 1) == (rows["conversations"]["What"], rows["conversations"]["Rows"])


def test_back_up_restore_call_off(app: Running) -> None:
    """A backup is one press; restoring it says plainly that it waits for the next start, and can be called off."""
    chat(app, "Great apes")
    tab = opened().press("Back up now")
    ended(app, tab)
    assert "The backup is made" in tab.page
    assert str(app.host.settings.data_dir) not in tab.wire
    (backup,) = care(app).backups()
    assert backup.name in tab.box("backups")
    ended(app, tab.press("Restore it"))
    assert f"Backup {backup.name} will take the place of the present record" in tab.page
    assert "end ApeHost where it was started" in tab.page
    assert "Call it off" in opened().buttons
    tab.press("Delete it")
    assert "Call that off first" in tab.errors
    tab.press("Call it off")
    assert care(app).order is None
    tab.press("Delete it")
    assert "There is no backup yet" in tab.page


def test_what_the_last_start_did(app: Running) -> None:
    """What became of a restore or a rewriting stands there until it is put away: done with the gain, or why not."""
    folder = app.host.settings.data_dir
    write_outcome(folder, SwapOutcome("compact", "", datetime.now(UTC), before=9_000_000, after=4_000_000, took_s=2.0))
    tab = opened()
    assert "The database file was rewritten in 2.0 s" in tab.page
    assert "4.0 MB, 5.0 MB less than before" in tab.page
    fault = Fault("store", "Backup x.duckdb is damaged")
    write_outcome(folder, SwapOutcome("restore", "x.duckdb", datetime.now(UTC), fault=fault))
    tab = opened()
    assert "Backup x.duckdb is damaged" in tab.errors
    assert "Nothing was changed" in tab.page
    tab.click("care-outcome-close")
    assert "damaged" not in tab.errors


def test_compaction_is_ordered(app: Running) -> None:
    """Rewriting waits for the next start and says so; tidying is done at once."""
    tab = opened()
    ended(app, tab.press("Tidy up"))
    assert "The file" in tab.box("care-job")
    tab.press("Rewrite at the next start")
    assert "will be rewritten when ApeHost starts the next time" in tab.page
    order = care(app).order
    assert order is not None
    assert "compact" == order.work


def test_check_and_mend(app: Running) -> None:
    """A check says in plain words what is wrong where; what can be done is a button, and does it."""
    found = chat(app, "Great apes")
    app.host.conversations.select(found, "01900000-0000-7000-8000-000000000000")
    tab = opened()
    ended(app, tab.press("Check now"))
    assert "1 thing wrong" in tab.errors
    assert "“Great apes”" in tab.page
    ended(app, tab.press("Select the newest messages"))
    assert "Another message is selected in 1 chat" in tab.page
    assert "everything is as it should be" in tab.page
    assert ["Who?"] == [each.message.text for each in app.host.conversations.branch(found)]


def test_rules_are_seen_before_they_are_kept(app: Running) -> None:
    """What rules touch is counted before they are kept, and they are applied only then."""
    found = chat(app, "Great apes")
    tab = opened()
    tab.at.toggle(key="rule-idle").set_value(True)
    tab.run()
    tab.at.number_input(key="rule-idle-days").set_value(1)
    ended(app, tab.run().press("See what they touch"))
    assert "0 chats would be archived" in tab.box("care-preview")
    assert Rules() == care(app).rules
    tab.press("Save rules")
    assert Rules(idle_days=1) == care(app).rules
    ended(app, tab.press("Apply now"))
    assert "The rules are applied: nothing had to go" in tab.page
    assert app.host.conversations.get(found) is not None
    assert Rules(idle_days=1) == care(app).rules
    assert opened().at.toggle(key="rule-idle").value


def test_rules_are_saved_with_the_press_that_ends_the_typing(app: Running) -> None:
    """A number comes together with the press of a button, which takes it as it stands in the field."""
    tab = opened()
    tab.at.toggle(key="rule-log").set_value(True)
    tab.run()
    tab.at.number_input(key="rule-log-days").set_value(7)
    ended(app, tab.press("See what they touch"))
    assert "As things are now" in tab.box("care-preview")
    tab.at.number_input(key="rule-log-days").set_value(8)
    assert not tab.at.button(key="rules-save").disabled
    tab.press("Save rules")
    assert Rules(log_days=8) == care(app).rules
    tab.at.number_input(key="rule-trash-days").set_value(5)
    assert not tab.at.button(key="rules-save").disabled
    tab.press("Save rules")
    assert Rules(log_days=8, trash_days=5) == care(app).rules


def test_rules_are_applied_as_they_are_seen(app: Running) -> None:
    """Whoever types a number and presses Apply is told to save it first: other rules than those are not applied."""
    care(app).set_rules(Rules(log_days=7))
    tab = opened()
    tab.at.number_input(key="rule-log-days").set_value(8)
    tab.press("Apply now")
    assert "Save them first" in tab.errors
    assert care(app).applied is None


def test_rules_that_cannot_be_read(app: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that are damaged are said to be, and the rest of the section stands."""

    def broken(_care: Care) -> Rules:
        raise StoreError(Fault("store", "The rules cannot be read"))

    monkeypatch.setattr(Care, "rules", property(broken))
    tab = opened()
    assert "The rules cannot be read" in tab.errors
    assert "Back up now" in tab.buttons


def test_progress_in_every_tab(app: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """While something goes on every tab says what and how far, and nothing else can be begun."""
    going = CareJob("check", fraction=0.25, step="Chats and their messages")
    monkeypatch.setattr(Care, "job", property(lambda _: going))
    tab = opened()
    assert "Checking the record · Chats and their messages" in tab.wire
    assert "chats go on meanwhile" in tab.page
    assert all(button.disabled for button in tab.at.button if button.label in ("Back up now", "Check now", "Tidy up"))


def test_a_second_thing_is_refused(app: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another tab has begun meanwhile is in the way, and the page says so."""
    tab = opened()
    monkeypatch.setattr(care(app)._jobs, "_job", CareJob("check"))
    tab.press("Back up now")
    assert "Something else is being done to the record" in tab.errors
