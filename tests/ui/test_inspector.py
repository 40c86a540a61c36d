"""The dialog that shows how an answer came to be, and the lines that say how it went from server to server."""

import asyncio
import base64
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from apehost_core.errors import Fault
from apehost_core.events import (
    Admitted,
    Milestone,
    ModelResponse,
    Outcome,
    RequestSent,
    ResponseHead,
    RunEvent,
    RunStarted,
    ServerTiming,
    TextDelta,
    TurnFailed,
    TurnStarted,
    Usage,
)
from apehost_core.ids import new_id
from apehost_core.messages import TextPart, user_message
from apehost_core.runs.hub import Emit
from apehost_core.runs.transcript import Transcript, ending_of
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.recorder import DuckRecorder
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from tests.run_samples import MS, chat_spec, logged
from tests.ui.conftest import Start
from tests.ui.running import until
from tests.ui.tab import Tab, plain, words

PATH = "/v1/chat/completions"
SECRET = "sk-lm-AbCdEfGh:01234567890123456789"
MARKED = "![i](http://192.0.2.1/x.png) <img src=x> **bold** |"
REFUSED = Fault("refused", "PC refused the connection", server="PC")
PNG = "data:image/png;base64," + base64.b64encode(bytes(180_000)).decode()


def body(*said: object) -> str:
    """A request as the client writes it."""
    messages = [{"role": "user", "content": words} for words in said]
    return orjson.dumps({"model": "a-model", "messages": messages, "stream": True}).decode()


def answered(text: str, *, server: str = "Mini") -> list[RunEvent]:
    """A call that sends a body and is answered well."""
    return [
        TurnStarted(new_id(), server, "a-model", quantisation="Q4_K_M"),
        Admitted(cold=True, load_ms=8_200.0),
        RequestSent(PATH, text),
        Milestone("sent", 5 * MS),
        ResponseHead(200, (("content-type", "text/event-stream"), ("x-note", f"Bearer {SECRET}"))),
        Milestone("headers", 7 * MS),
        TextDelta("Hello"),
        TextDelta(" there"),
        ModelResponse(
            (TextPart("Hello there"),),
            "stop",
            "b-model",
            Usage(7, 3),
            runtime="llama.cpp 1",
            timing=ServerTiming(ttft_ms=1_234.56, decode_tok_s=41.25),
        ),
    ]


def failed(text: str, *, server: str = "PC") -> list[RunEvent]:
    """A call that fails before anything came."""
    return [TurnStarted(new_id(), server, "a-model"), RequestSent(PATH, text), TurnFailed(REFUSED)]


class Recorded:
    """Conversations that are in the database before the app starts."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._path = folder / "apehost.duckdb"

    def __call__(self, events: Sequence[RunEvent], **ending: Any) -> str:
        """Record a question and a run of these events; returns the conversation."""
        with closing(Database.open(self._path)) as database:
            conversations = Conversations(database)
            conversation = conversations.create("Recorded")
            asked = conversations.add_message(conversation, None, user_message("Hello?"))
            asyncio.run(self._record(database, conversation, asked.id, events, {"outcome": "completed", **ending}))
        return conversation

    async def _record(
        self, database: Database, conversation: str, asked: str, events: Sequence[RunEvent], ending: dict[str, Any]
    ) -> None:
        recorder, transcript, spec = DuckRecorder(database), Transcript(), chat_spec(conversation, asked)
        await recorder.open_run(spec)
        for event in logged(RunStarted("chat"), *events):
            recorder.append(spec.run_id, event)
            transcript.add(event)
        ended = {"fault": None, "end_ns": 90 * MS, "finished_at": datetime.now(UTC), **ending}
        await recorder.close_run(ending_of(spec, transcript, **ended))


@pytest.fixture
def recorded(data_dir: Path) -> Recorded:
    """Records conversations before the app is started."""
    return Recorded(data_dir)


def code(tab: Tab) -> str:
    """All that is drawn as code."""
    return "\n".join(block.value for block in tab.at.code)


def test_an_answer_tells_how_it_came_to_be(start: Start, recorded: Recorded) -> None:
    """Its button opens a dialog with the request as code, the model that answered, counts and times."""
    conversation = recorded(answered(body("What is a lighthouse?")))
    start({"Mini": Simulator()})
    tab = Tab(link=conversation).press("Info")
    assert ["Request", "Response", "Timing"] == [part.label for part in tab.at.tabs]
    assert orjson.loads(body("What is a lighthouse?")) == orjson.loads(tab.at.code[0].value)
    assert {"plaintext"} == {block.language for block in tab.at.code}
    assert f"POST {PATH}" in tab.page
    assert "byte for byte what was sent" in tab.page
    tables = "\n".join(plain(text.value) for text in tab.at.markdown if text.value.startswith("| "))
    facts = ("| Answered | b-model |", "| Status | 200 |", "| Prompt tokens | 7 (measured) |", "| End | stop |")
    assert "| Fact | Value |" in tables
    assert not tables.startswith("|  |")
    assert [] == [fact for fact in (*facts, "| of it for the load | 8,200.0 |") if fact not in tables]
    assert "The server says of itself: first token after 1,234.6 ms, answer at 41.2 tok/s." in tab.page
    assert "Cold: the model was loaded for this call." in tab.page


def test_the_request_is_what_the_server_got(start: Start) -> None:
    """What the dialog shows of a real call is what came over the wire, and it says so."""
    simulator = Simulator(token=SECRET)
    tab = start({"Mini": simulator}, token=SECRET).asked("What is a lighthouse?").press("Info")
    assert simulator.calls[0].body == orjson.loads(tab.at.code[0].value)
    assert "byte for byte what was sent" in tab.page
    assert "sim-model · Mini" in tab.page
    assert SECRET not in tab.wire


def test_the_dialog_is_one_and_survives_reruns(start: Start, recorded: Recorded) -> None:
    """A rerun behind it changes nothing, and another dialog takes its place."""
    conversation = recorded(answered(body("hi")))
    start({"Mini": Simulator()})
    tab = Tab(link=conversation).press("Info").run()
    assert 3 == len(tab.at.tabs)
    tab.press("Rename")
    assert (0, 1) == (len(tab.at.tabs), len(tab.at.text_input))


def test_no_secret_is_shown(start: Start, recorded: Recorded) -> None:
    """Neither address nor token goes to the browser: not ours, and none that stands in a text or a header field."""
    conversation = recorded(answered(body(f"My token is {SECRET}, or: Bearer abcdef123456")))
    app = start({"Mini": Simulator(token=SECRET)}, token=SECRET)
    wire = Tab(link=conversation).press("Info").wire
    secrets = [SECRET, *SECRET.split(":"), "abcdef123456", app.servers["Mini"].url, f":{app.servers['Mini'].port}"]
    assert [] == [secret for secret in secrets if secret in wire]
    assert "Bearer ••••" in wire


def test_nothing_in_a_request_is_markdown(start: Start, recorded: Recorded) -> None:
    """Marks and tags stand in code; where a message's beginning is a label they are escaped."""
    conversation = recorded(answered(body(MARKED, "x" * 10_000)))
    start({"Mini": Simulator()})
    tab = Tab(link=conversation).press("Info")
    assert MARKED in code(tab)
    drawn = [*(text.value for text in tab.at.markdown), *(part.label for part in tab.at.expander)]
    assert [] == [text for text in drawn if "](http" in text or re.search(r"(?<!\\)<img", text)]


def test_a_long_request_is_folded(start: Start, recorded: Recorded) -> None:
    """Of 41 messages the last twenty are drawn, each by itself; what is too long for a page is cut, and says so."""
    conversation = recorded(answered(body(*(f"message {number}" for number in range(40)), "x" * 100_000)))
    start({"Mini": Simulator()})
    tab = Tab(link=conversation).press("Info")
    assert ["… 41 messages, below"] == orjson.loads(tab.at.code[0].value)["messages"]
    assert 20 == len(tab.at.expander)
    assert plain(tab.at.expander[0].label).startswith("22 · user")
    assert "x… (100,000 characters in all)" in code(tab)
    assert "The last 20 of 41 messages" in tab.page


def test_an_image_is_not_drawn_as_letters(start: Start, recorded: Recorded) -> None:
    """Its size stands in place of its bytes."""
    conversation = recorded(answered(body([{"type": "image_url", "image_url": {"url": PNG}}])))
    start({"Mini": Simulator()})
    tab = Tab(link=conversation).press("Info")
    assert "data:image/png;base64,… (180 kB)" in code(tab)
    assert "the download has them whole" in tab.page


def test_a_move_is_told(start: Start, recorded: Recorded) -> None:
    """Under the answer stands where it came from and why, and how long the model was loaded."""
    conversation = recorded([*failed(body("hi")), *answered(body("hi"))])
    start({"Mini": Simulator()})
    answer = Tab(link=conversation).answer
    assert "Moved from PC to Mini: PC refused the connection." in answer
    assert "loaded in 8.2 s" in answer


def test_each_call_of_a_moved_answer_can_be_looked_at(start: Start, recorded: Recorded) -> None:
    """The dialog begins with the call that answered, and shows the failed one when it is picked."""
    conversation = recorded([*failed(body("to the PC")), *answered(body("to the Mini"))])
    start({"Mini": Simulator()})
    tab = Tab(link=conversation).press("Info")
    box = next(box for box in tab.at.selectbox if box.label == "Call")
    assert ["1 · PC", "2 · Mini"] == box.options
    assert "to the Mini" in code(tab)
    box.select_index(0)
    tab.run()
    assert "to the PC" in code(tab)
    assert "PC refused the connection." in tab.errors


def test_an_attempt_without_an_answer_can_be_looked_at(start: Start, recorded: Recorded) -> None:
    """Where nothing was answered the request is all there is to learn from."""
    conversation = recorded(failed(body("hi"))[:2], outcome="failed", fault=REFUSED)
    start({"Mini": Simulator()})
    tab = Tab(link=conversation)
    assert "PC refused the connection." in tab.errors
    assert '"content": "hi"' in code(tab.press("Info"))


def test_what_is_gone_is_said(start: Start, recorded: Recorded) -> None:
    """A call whose request is not kept still shows its measurements."""
    conversation = recorded([event for event in answered("") if not isinstance(event, RequestSent)])
    start({"Mini": Simulator()})
    tab = Tab(link=conversation).press("Info")
    assert "No request is kept" in tab.page
    assert 3 == len(tab.at.tabs)


def test_a_move_is_told_while_the_answer_is_written(start: Start) -> None:
    """The line stands there from the second call on, before any word of it."""
    app = start({"mini": Simulator()})
    tab, spec = app.asked(), chat_spec()

    async def work(emit: Emit) -> Outcome:
        for event in (*failed(body("hi")), TurnStarted(new_id(), "Mini", "a-model")):
            emit(event)
        await asyncio.Event().wait()
        return "completed"

    run = app.portal.call(app.host.hub.start, replace(spec, conversation_id=tab.conversation), work)
    until(lambda: len(run.transcript.turns) == 2)
    assert "Moved from PC to Mini: PC refused the connection." in tab.run().answer
    app.portal.call(app.host.hub.cancel, spec.run_id)


def test_a_live_answer_has_no_button(start: Start) -> None:
    """It comes with the end of the answer."""
    app = start({"mini": Simulator(SimModel(words=("word ",) * 5_000, tokens_per_s=50))})
    assert "Info" not in app.answering().buttons


def test_a_long_conversation_has_one_button_an_answer(start: Start) -> None:
    """The questions have none."""
    app = start({"mini": Simulator()})
    tab = app.ask(app.asked(), "And now?")
    assert 2 == tab.buttons.count("Info")
    assert [1, 1] == [words(message).split("\n").count("Info") for message in tab.messages[1::2]]
