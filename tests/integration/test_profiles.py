"""Profiles and chats' settings in the store, and in what is sent to a server."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from apehost_core.chat.exchange import Choice, Sent
from apehost_core.errors import InputRefused, StoreError
from apehost_core.host import Host, open_host
from apehost_core.ids import new_id
from apehost_core.model import Preferences, Sampling
from apehost_core.settings import ServerEntry, Settings
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.profiles import Profiles
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve
from tests.run_samples import UNKNOWN_ID

CHOICE = Choice("sim", "sim-model")
WARM = Preferences("Be kind.", Sampling(temperature=1.2))
THINKER = SimModel(reasoning_options=("low", "medium", "high"), reasoning_default="medium")


@pytest.fixture
def profiles(database: Database) -> Profiles:
    """Profiles of an empty database."""
    return Profiles(database)


def audit(database: Database) -> list[tuple[str, str, Any, Any]]:
    """The rows of the audit, oldest first, values parsed."""
    with database.read() as cursor:
        rows = cursor.execute(
            "SELECT actor, setting, old_value, new_value FROM settings_audit ORDER BY changed_at, old_value IS NULL"
        ).fetchall()
    return [(actor, setting, old and json.loads(old), new and json.loads(new)) for actor, setting, old, new in rows]


def no_queries(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every further read of the database fail."""
    monkeypatch.setattr(database, "read", lambda: pytest.fail("the database was asked"))


def test_a_profile_survives(path: Path) -> None:
    """What was saved is there in the next process, as it was."""
    with closing(Database.open(path)) as database:
        saved = Profiles(database).save("qwen*", WARM)
    with closing(Database.open(path)) as database:
        assert (saved,) == Profiles(database).list()


def test_only_the_first_reading_asks_the_database(
    profiles: Profiles, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every answer reads the profiles: they come from memory, changes included."""
    profiles.list()
    no_queries(database, monkeypatch)
    profiles.save("qwen*", WARM)
    profiles.save("*", Preferences(ttl_s=60))
    assert ["*", "qwen*"] == [profile.pattern for profile in profiles.list()]
    assert Preferences("Be kind.", Sampling(temperature=1.2), ttl_s=60) == profiles.for_model("Qwen3-8b")


def test_a_profile_is_changed_in_place(profiles: Profiles, path: Path) -> None:
    """It keeps its id; the newer time counts."""
    before = profiles.save("qwen*", WARM)
    after = profiles.save("qwen3*", Preferences(ttl_s=60), before.id)
    assert (after,) == profiles.list()
    assert (before.id, True) == (after.id, after.updated_at >= before.updated_at)


def test_a_deleted_profile_is_gone(profiles: Profiles, database: Database) -> None:
    """In memory and in the file; deleting it once more does nothing."""
    saved = profiles.save("qwen*", WARM)
    profiles.delete(saved.id)
    profiles.delete(saved.id)
    assert () == profiles.list()
    assert () == Profiles(database).list()


def test_every_change_is_in_the_audit(profiles: Profiles, database: Database) -> None:
    """Who, what, from what, to what; under another pattern it goes from one and comes to the other."""
    saved = profiles.save("a*", Preferences(ttl_s=1))
    profiles.save("a*", Preferences(ttl_s=2), saved.id)
    profiles.save("b*", Preferences(ttl_s=3), saved.id)
    profiles.delete(saved.id)
    assert [
        ("person", "profile a*", None, {"ttl_s": 1}),
        ("person", "profile a*", {"ttl_s": 1}, {"ttl_s": 2}),
        ("person", "profile a*", {"ttl_s": 2}, None),
        ("person", "profile b*", None, {"ttl_s": 3}),
        ("person", "profile b*", {"ttl_s": 3}, None),
    ] == audit(database)


def test_a_change_that_is_not_recorded_is_none(
    profiles: Profiles, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the database refuses is neither in memory nor in the file."""
    saved = profiles.save("a*", WARM)
    monkeypatch.setattr("apehost_core.store.profiles._note", lambda transaction, old, new: transaction.insert("x", {}))
    with pytest.raises(StoreError):
        profiles.save("b*", WARM)
    with pytest.raises(StoreError):
        profiles.delete(saved.id)
    assert (saved,) == profiles.list()
    assert (saved,) == Profiles(database).list()


@pytest.mark.parametrize(
    ("pattern", "preferences", "told"),
    [
        (" ", WARM, "needs a model key or a pattern"),
        ("QWEN*", WARM, "already a profile for QWEN"),
        ("gemma", Preferences(sampling=Sampling(top_p=3)), "Top p must be a number from 0 to 1"),
    ],
)
def test_what_is_refused(profiles: Profiles, pattern: str, preferences: Preferences, told: str) -> None:
    """Empty patterns, a second profile for one pattern, and values outside their range."""
    profiles.save("qwen*", WARM)
    with pytest.raises(InputRefused, match=told):
        profiles.save(pattern, preferences)
    assert ["qwen*"] == [profile.pattern for profile in profiles.list()]


def test_a_profile_that_was_deleted_meanwhile(profiles: Profiles) -> None:
    """Saving it says so, and does not bring it back by surprise."""
    with pytest.raises(InputRefused, match="deleted meanwhile"):
        profiles.save("qwen*", WARM, new_id())


def test_settings_of_a_newer_program(profiles: Profiles, database: Database) -> None:
    """A field that this one does not know leaves that profile out, and says so; nothing of it is dropped."""
    row = [new_id(), "qwen*", '{"warp": 9}']
    database.write(lambda transaction: transaction.execute("INSERT INTO profiles VALUES (?, ?, ?, now())", row))
    profiles.save("gemma*", Preferences(ttl_s=5))
    assert ["gemma*"] == [profile.pattern for profile in profiles.list()]
    (fault,) = profiles.unreadable
    assert "profile for qwen*" in fault.title
    assert "warp" in fault.cause
    with database.read() as cursor:
        assert [('{"warp": 9}',)] == cursor.execute("SELECT settings FROM profiles WHERE pattern = 'qwen*'").fetchall()


def test_settings_of_a_conversation(database: Database) -> None:
    """They are there from its beginning, are replaced as a whole, and can be nothing again."""
    conversations = Conversations(database)
    conversation_id = conversations.create("title", WARM)
    assert WARM == conversations.settings(conversation_id)
    conversations.set_settings(conversation_id, Preferences(ttl_s=5))
    assert Preferences(ttl_s=5) == conversations.settings(conversation_id)
    conversations.set_settings(conversation_id, Preferences())
    assert Preferences() == conversations.settings(conversation_id)


@pytest.mark.parametrize("link", ["nonsense", UNKNOWN_ID])
def test_settings_of_no_conversation(database: Database, link: str) -> None:
    """There are none."""
    assert Preferences() == Conversations(database).settings(link)


def test_a_conversation_does_not_take_a_wrong_value(database: Database) -> None:
    """The refusal names the field, and what was set stays."""
    conversations = Conversations(database)
    conversation_id = conversations.create("title", WARM)
    with pytest.raises(InputRefused, match="Temperature must be"):
        conversations.set_settings(conversation_id, Preferences(sampling=Sampling(temperature=9)))
    assert WARM == conversations.settings(conversation_id)


@asynccontextmanager
async def host_on(url: str, folder: Path) -> AsyncGenerator[Host, None]:
    """A host with one server, which it has looked at."""
    servers = (ServerEntry(name="sim", url=SecretStr(url)),)
    async with open_host(Settings(data_dir=folder, servers=servers, demo="off")) as host:
        await host.look_at_servers()
        yield host


async def ended(host: Host, sent: Sent) -> None:
    """Wait until a run's ending is durable."""
    await host.hub.wait(sent.run_id)


def sent_for(simulator: Simulator, question: str) -> dict[str, Any]:
    """The body of the last request that asked a question."""
    return [call.body for call in simulator.calls if call.body["messages"][-1]["content"] == question][-1]


@pytest.mark.anyio
async def test_what_is_sent_is_what_was_set(tmp_path: Path) -> None:
    """The chat's values come before the profile's, a system prompt comes first, and the record holds what was sent."""
    simulator = Simulator(THINKER)
    with serve(simulator) as url:
        async with host_on(url, tmp_path) as host:
            sampling = Sampling(temperature=1.2, top_k=20, stop=("END",), reasoning_effort="off")
            host.profiles.save("sim*", Preferences("Be kind.", sampling, context_length=8192, ttl_s=600))
            own = Preferences(sampling=Sampling(temperature=0.1))
            sent = await host.send("hello", CHOICE, settings=own)
            await ended(host, sent)
            answer = host.conversations.branch(sent.conversation_id)[-1]
            with host._parts.database.read() as cursor:
                query = "SELECT sampling FROM generations WHERE message_id = ?"
                (recorded,) = cursor.execute(query, [answer.id]).fetchall()[0]
    body = sent_for(simulator, "hello")
    expected = {"temperature": 0.1, "top_k": 20, "stop": ["END"], "reasoning_effort": "low"}
    assert {"role": "system", "content": "Be kind."} == body["messages"][0]
    assert {**expected, "ttl": 600} == {name: body.get(name) for name in (*expected, "ttl")}
    assert "context_length" not in body
    assert expected == json.loads(recorded)


@pytest.mark.anyio
async def test_a_chats_settings_survive_a_restart(tmp_path: Path) -> None:
    """The next process answers with them, on a retry as well."""
    simulator = Simulator()
    with serve(simulator) as url:
        async with host_on(url, tmp_path) as host:
            first = await host.send("hello", CHOICE, settings=WARM)
            await ended(host, first)
        async with host_on(url, tmp_path) as host:
            await ended(host, await host.send("again", CHOICE, first.conversation_id))
            assert WARM == host.conversations.settings(first.conversation_id)
            simulator.calls.clear()
            await ended(host, await host.retry(CHOICE, first.conversation_id))
    body = sent_for(simulator, "again")
    assert (1.2, "Be kind.") == (body["temperature"], body["messages"][0]["content"])


@pytest.mark.anyio
async def test_the_answers_own_sampling_comes_first(tmp_path: Path) -> None:
    """What was chosen for one answer alone is before what its chat sets."""
    simulator = Simulator()
    with serve(simulator) as url:
        async with host_on(url, tmp_path) as host:
            choice = Choice("sim", "sim-model", Sampling(temperature=0.0))
            await ended(host, await host.send("hello", choice, settings=WARM))
    assert 0.0 == sent_for(simulator, "hello")["temperature"]


@pytest.mark.anyio
async def test_titles_know_no_profile(tmp_path: Path) -> None:
    """The request for a title has neither system prompt nor reasoning setting nor sampling of a profile."""
    simulator = Simulator(THINKER)
    with serve(simulator) as url:
        async with host_on(url, tmp_path) as host:
            host.profiles.save("*", Preferences("Be kind.", Sampling(temperature=2, reasoning_effort="high")))
            await ended(host, await host.send("hello", CHOICE))
            async with asyncio.timeout(20):
                while len(simulator.calls) < 2:
                    await asyncio.sleep(0.005)
    (title,) = [call.body for call in simulator.calls if "Name this" in str(call.body["messages"][-1]["content"])]
    assert "system" not in [message["role"] for message in title["messages"]]
    assert (0.2, False) == (title["temperature"], "reasoning_effort" in title)


@pytest.mark.anyio
async def test_a_wrong_setting_begins_no_conversation(tmp_path: Path) -> None:
    """The refusal names it, and nothing was stored or sent."""
    simulator = Simulator()
    with serve(simulator) as url:
        async with host_on(url, tmp_path) as host:
            with pytest.raises(InputRefused, match="Top p must be"):
                await host.send("hello", CHOICE, settings=Preferences(sampling=Sampling(top_p=2)))
            assert [] == host.conversations.recent(10)
    assert [] == simulator.calls
