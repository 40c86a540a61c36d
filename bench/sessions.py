"""Many open pages at once, without browsers: the page's half of Streamlit's websocket protocol.

A session loads the page, sends a question by the chat input, does the timed reruns that the server asks for, keeps
the large elements that the server may refer to later, and notes when the answer's text grew.
"""

import asyncio
import itertools
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Markdown_pb2 import Markdown
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from bench.apps import Chat
from bench.chat_upstream import LAST_WORD, answer, wish
from bench.upstream import calls

_APART_S = 0.25
_PATIENCE_S = 60
_LATE_S = 20
_LOOK_AGAIN_S = 0.3
_TELLING = 24  # so many characters occur once in the answer


class Session:
    """One open page.

    Attributes:
        received: Bytes that came over the websocket since the question was sent.
        asked_at: When the question was sent.
        grew_at: When the answer's text grew, first to last.
        composer: Id of the chat input; None while there is none that can be used.
        rested: Set whenever a run of the script has ended.
        done: Set once the last word has come.
    """

    def __init__(self, connection: ClientConnection, group: asyncio.TaskGroup) -> None:
        self.received = 0
        self.asked_at = 0.0
        self.grew_at: list[float] = []
        self.composer: str | None = None
        self.rested = asyncio.Event()
        self.done = asyncio.Event()
        self._left = False
        self._connection = connection
        self._group = group
        self._query = ""
        self._page = ""
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._intervals: dict[str, float] = {}
        self._kept: dict[str, ForwardMsg] = {}
        self._whole = ""
        self._read_to = 0

    async def load(self) -> None:
        """Load the page, again and again until a question can be sent."""
        deadline = time.perf_counter() + _PATIENCE_S
        while self.composer is None:
            if time.perf_counter() > deadline:
                raise RuntimeError("the page has no chat input that can be used")
            self.rested.clear()
            await self._rerun()
            await asyncio.wait_for(self.rested.wait(), _PATIENCE_S)
            await asyncio.sleep(0 if self.composer else _LOOK_AGAIN_S)

    async def ask(self, number: int, tokens: int) -> None:
        """Ask for an answer of that many tokens at 50 a second."""
        text, self._whole = wish(tokens, 50, number), "".join(answer(tokens))
        states = WidgetStates()
        state = states.widgets.add()
        state.id = self.composer or ""
        state.chat_input_value.data = text
        self.received = 0
        self.asked_at = time.perf_counter()
        await self._rerun(states)

    async def listen(self) -> None:
        """Take what the server sends until the connection is closed."""
        async for data in self._connection:
            assert isinstance(data, bytes)
            self.received += len(data)
            self._take(ForwardMsg.FromString(data))

    async def close(self) -> None:
        """Leave the page."""
        self._left = True
        self._stop_timers(list(self._timers))
        await self._connection.close()

    async def _rerun(self, states: WidgetStates | None = None, *, fragment: str = "") -> None:
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string = self._query
        asked.page_script_hash = self._page
        asked.fragment_id = fragment
        asked.is_auto_rerun = bool(fragment)
        asked.cached_message_hashes.extend(self._kept)
        asked.widget_states.CopyFrom(states or WidgetStates())
        await self._connection.send(message.SerializeToString())

    def _take(self, message: ForwardMsg) -> None:
        match message.WhichOneof("type"):
            case "delta":
                if message.metadata.cacheable:
                    self._kept[message.hash] = message
                self._draw(message)
            case "ref_hash":
                self._draw(self._kept[message.ref_hash])
            case "new_session":
                if not message.metadata.run.fragment_ids:
                    self._page = message.new_session.page_script_hash
                    self._stop_timers(list(self._timers))
            case "page_info_changed":
                self._query = message.page_info_changed.query_string
            case "auto_rerun":
                self._start_timer(message.auto_rerun.fragment_id, message.auto_rerun.interval)
            case "stop_auto_rerun":
                self._stop_timers(list(message.stop_auto_rerun.fragment_ids))
            case "script_finished":
                self.rested.set()
            case _:
                pass

    def _draw(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        if element.HasField("exception"):
            raise RuntimeError(f"the page failed: {element.exception.type} {element.exception.message}")
        if element.HasField("chat_input"):
            self.composer = None if element.chat_input.disabled else element.chat_input.id
        if not element.HasField("markdown") or element.markdown.element_type != Markdown.Type.NATIVE:
            return
        if self.asked_at and not self.done.is_set():
            self._read(element.markdown.body.rstrip())

    def _read(self, text: str) -> None:
        """Take a piece of the answer, drawn again or new: its end tells how far the answer has come."""
        end = text[-_TELLING:]
        at = self._whole.find(end) if len(end) == _TELLING else -1
        if at >= 0 and at + _TELLING > self._read_to:
            self._read_to = at + _TELLING
            self.grew_at.append(time.perf_counter())
        if text.endswith(LAST_WORD):
            self.done.set()

    def _start_timer(self, fragment: str, interval_s: float) -> None:
        async def tick() -> None:
            due = time.perf_counter()
            while True:
                due = max(due + interval_s, time.perf_counter())
                await asyncio.sleep(due - time.perf_counter())
                await self._rerun(fragment=fragment)

        if self._left or self._intervals.get(fragment) == interval_s:
            return
        self._stop_timers([fragment])
        self._intervals[fragment] = interval_s
        self._timers[fragment] = self._group.create_task(tick())

    def _stop_timers(self, fragments: list[str]) -> None:
        for fragment in fragments:
            self._intervals.pop(fragment, None)
            timer = self._timers.pop(fragment, None)
            if timer is not None:
                timer.cancel()


@dataclass(frozen=True, slots=True)
class Crowd:
    """What some sessions saw, each reading an answer of its own.

    Attributes:
        first_ms: From sending the question to the first text, each session that saw any.
        gaps_ms: Times between two growths of a text, all sessions together.
        end_lag_ms: From the upstream's last token to the last word, each session that saw it.
        stuck: How many sessions had not seen the last word long after it was written.
        kilobytes: Received since the question, each session.
        server_share: Processor time of the chat's process as a fraction of one core.
        rss_mb: Memory of the chat's process at the end.
    """

    first_ms: list[float]
    gaps_ms: list[float]
    end_lag_ms: list[float]
    stuck: int
    kilobytes: list[float]
    server_share: float
    rss_mb: float


async def crowd(chat: Chat, upstream: str, *, numbers: list[int], tokens: int) -> Crowd:
    """Have one session for each number read an answer at 50 tokens a second; the questions follow each other soon."""
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        sessions = [await _opened(chat, stack, group) for _ in numbers]
        cpu, begun = chat.cpu_s(), time.perf_counter()
        for number, session in zip(numbers, sessions, strict=True):
            await session.ask(number, tokens)
            await asyncio.sleep(_APART_S)
        endings = [group.create_task(session.done.wait()) for session in sessions]
        _, late = await asyncio.wait(endings, timeout=tokens / 50 + _LATE_S)
        share = (chat.cpu_s() - cpu) / (time.perf_counter() - begun)
        for ending in late:
            ending.cancel()
        for session in sessions:
            await session.close()
    last = {call["number"]: call["last_ns"] or 0 for call in await asyncio.to_thread(calls, upstream)}
    ended = [(number, session) for number, session in zip(numbers, sessions, strict=True) if session.done.is_set()]
    return Crowd(
        first_ms=[(session.grew_at[0] - session.asked_at) * 1000 for session in sessions if session.grew_at],
        gaps_ms=[(after - before) * 1000 for s in sessions for before, after in itertools.pairwise(s.grew_at)],
        end_lag_ms=[session.grew_at[-1] * 1000 - last[number] / 1e6 for number, session in ended],
        stuck=len(sessions) - len(ended),
        kilobytes=[session.received / 1000 for session in sessions],
        server_share=share,
        rss_mb=chat.process.memory_info().rss / 1e6,
    )


async def _opened(chat: Chat, stack: AsyncExitStack, group: asyncio.TaskGroup) -> Session:
    """Return a session with the page loaded."""
    address = f"{chat.url.replace('http', 'ws', 1)}/_stcore/stream"
    protocols = [Subprotocol("streamlit")]
    opening = connect(address, origin=Origin(chat.url), subprotocols=protocols, max_size=None, proxy=None)
    session = Session(await stack.enter_async_context(opening), group)
    group.create_task(session.listen())
    await session.load()
    return session
