"""Question and answer in a conversation: storing what was asked, starting its run, naming the chat.

Works over ports, so that it knows neither the database nor the servers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from apehost_core.chat.titles import title_from_answer, title_from_prompt, title_request
from apehost_core.chat.window import to_prompt
from apehost_core.errors import Fault, InputRefused
from apehost_core.events import Outcome
from apehost_core.ids import new_id
from apehost_core.messages import Message, user_message
from apehost_core.model import ModelRequest, Sampling
from apehost_core.runs.hub import Emit, Hub
from apehost_core.runs.live_run import LiveRun
from apehost_core.runs.run import RunSpec


@dataclass(frozen=True, slots=True)
class Choice:
    """Who shall answer, and how."""

    server: str
    model: str
    sampling: Sampling = field(default_factory=Sampling)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sent message became."""

    conversation_id: str
    message_id: str
    run_id: str


class Entry(Protocol):
    """A stored message."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def message(self) -> Message:
        """What it says."""
        ...


class ConversationPort(Protocol):
    """What is needed of the store. Methods block until they are committed; called off the event loop."""

    def create(self, title: str = "") -> str:
        """Create a conversation and return its id."""
        ...

    def add_message(self, conversation_id: str, parent_id: str | None, message: Message) -> Entry:
        """Append a message and select it."""
        ...

    def branch(self, conversation_id: str) -> Sequence[Entry]:
        """Return the selected branch, oldest first."""
        ...

    def select(self, conversation_id: str, message_id: str) -> None:
        """Make a message the selected leaf."""
        ...

    def improve_title(self, conversation_id: str, title: str) -> None:
        """Set a title made by a model, unless a person has given one."""
        ...


Caller = Callable[[ModelRequest, Choice, Emit], Awaitable[Outcome]]
"""Makes one model call on the server of the choice, queueing where needed, and reports its events."""


class Exchange:
    """Sends messages and starts the runs that answer them.

    Args:
        conversations: Where messages live.
        hub: Runs the answers.
        call: Makes one model call.
        max_prompt_bytes: Largest message, in bytes of UTF-8.
        names_chats: Whether models of the server of that name are asked for titles.
    """

    def __init__(
        self,
        conversations: ConversationPort,
        hub: Hub,
        call: Caller,
        *,
        max_prompt_bytes: int,
        names_chats: Callable[[str], bool],
    ) -> None:
        self._conversations = conversations
        self._hub = hub
        self._call = call
        self._max_prompt_bytes = max_prompt_bytes
        self._names_chats = names_chats
        self._locks: dict[str, asyncio.Lock] = {}
        self._background: set[asyncio.Task[None]] = set()

    async def send(self, text: str, choice: Choice, conversation_id: str | None = None) -> Sent:
        """Store the text as the next message and start the answer; returns once both are durable.

        Args:
            text: What the person wrote.
            choice: Who answers.
            conversation_id: Where it goes; None begins a conversation.

        Raises:
            InputRefused: The text is empty or too large, or an answer is being written in this conversation.
            StoreError: Nothing was stored.
        """
        text = self._accepted(text)
        if conversation_id is None:
            conversation_id = await asyncio.to_thread(self._conversations.create, title_from_prompt(text))
        async with self._locks.setdefault(conversation_id, asyncio.Lock()):
            self._refuse_while_answering(conversation_id)
            branch = await asyncio.to_thread(self._conversations.branch, conversation_id)
            parent_id = branch[-1].id if branch else None
            asked = await asyncio.to_thread(
                self._conversations.add_message, conversation_id, parent_id, user_message(text)
            )
            return await self._answer(conversation_id, (*branch, asked), choice)

    async def retry(self, choice: Choice, conversation_id: str) -> Sent:
        """Answer the last question of the selected branch once more; the earlier answer stays beside it.

        Raises:
            InputRefused: There is no question, or an answer is being written.
            StoreError: Nothing was started.
        """
        async with self._locks.setdefault(conversation_id, asyncio.Lock()):
            self._refuse_while_answering(conversation_id)
            branch = tuple(await asyncio.to_thread(self._conversations.branch, conversation_id))
            while branch and branch[-1].message.role != "user":
                branch = branch[:-1]
            if not branch:
                raise InputRefused(Fault(kind="bad_request", title="There is no question to answer here"))
            await asyncio.to_thread(self._conversations.select, conversation_id, branch[-1].id)
            return await self._answer(conversation_id, branch, choice)

    async def close(self) -> None:
        """Drop the titles that are still being made."""
        for task in tuple(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    def _accepted(self, text: str) -> str:
        text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
        size = len(text.encode())
        if size > self._max_prompt_bytes:
            raise InputRefused(
                Fault(
                    kind="input_too_large",
                    title=f"The message has {size:,} bytes; the limit is {self._max_prompt_bytes:,}",
                    advice="Shorten it, or raise APEHOST_MAX_PROMPT_BYTES. Your text is still in the box.",
                )
            )
        if not text.strip():
            raise InputRefused(Fault(kind="bad_request", title="The message is empty"))
        return text

    def _refuse_while_answering(self, conversation_id: str) -> None:
        if any(not run.finished.is_set() for run in self._answering(conversation_id)):
            raise InputRefused(
                Fault(
                    kind="busy",
                    title="An answer is still being written in this conversation",
                    advice="Stop it or wait for its end, then send again. Your text is still in the box.",
                )
            )

    def _answering(self, conversation_id: str) -> tuple[LiveRun, ...]:
        return tuple(run for run in self._hub.live_in(conversation_id) if run.spec.kind == "chat")

    async def _answer(self, conversation_id: str, branch: Sequence[Entry], choice: Choice) -> Sent:
        asked = branch[-1]
        request = ModelRequest(
            model=choice.model,
            messages=to_prompt(entry.message for entry in branch),
            sampling=choice.sampling,
        )
        spec = RunSpec(
            run_id=new_id(),
            kind="chat",
            started_at=datetime.now(UTC),
            conversation_id=conversation_id,
            parent_message_id=asked.id,
            message_id=new_id(),
            server=choice.server,
            model=choice.model,
        )
        run = self._hub.start(spec, partial(self._call, request, choice))
        await asyncio.shield(run.recorded)
        if len(branch) == 1 and self._names_chats(choice.server):
            self._in_background(self._name(run, asked.message, choice))
        return Sent(conversation_id, asked.id, run.spec.run_id)

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _name(self, answered: LiveRun, question: Message, choice: Choice) -> None:
        """Have the model name the conversation after its first answer; else the prompt's title stands."""
        conversation_id = answered.spec.conversation_id
        await answered.finished.wait()
        finished, answer = answered.transcript.finished, answered.transcript.message()
        if conversation_id is None or finished is None or finished.outcome != "completed" or answer is None:
            return
        spec = RunSpec(
            run_id=new_id(),
            kind="title",
            started_at=datetime.now(UTC),
            conversation_id=conversation_id,
            parent_run_id=answered.spec.run_id,
            server=choice.server,
            model=choice.model,
        )
        request = title_request(choice.model, question, answer)
        run = self._hub.start(spec, partial(self._call, request, choice))
        await run.finished.wait()
        turn = run.transcript.turn
        title = title_from_answer(turn.text) if turn else None
        if title:
            await asyncio.to_thread(self._conversations.improve_title, conversation_id, title)
