"""Question and answer in a conversation: storing what was asked, starting its run, naming the chat.

Works over ports, so that it knows neither the database nor the servers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from apehost_core.chat.preferences import combined
from apehost_core.chat.titles import title_from_answer, title_from_prompt, title_request
from apehost_core.chat.window import to_prompt
from apehost_core.errors import ApeHostError, Fault, InputRefused
from apehost_core.events import Outcome
from apehost_core.ids import new_id
from apehost_core.messages import Message, user_message
from apehost_core.model import ModelRequest, Preferences, Sampling
from apehost_core.runs.hub import Emit, Hub
from apehost_core.runs.live_run import LiveRun
from apehost_core.runs.run import RunSpec

_log = logging.getLogger(__name__)

_GO_ON = "Your answer was cut off. Go on exactly where it ends. Do not repeat any of it, and add no introduction."


@dataclass(frozen=True, slots=True)
class Choice:
    """Who shall answer, and how.

    Attributes:
        server: Name of the server; None lets the pool choose among those that have the model.
        model: Key of the model.
        sampling: Of this one answer; it comes before the chat's.
        quantisation: With server None: only servers that list the model with it; None takes any.
        conversation_id: Where the answer goes; a conversation stays with its server while that can answer.
        alone: Nothing else may be asked of the server meanwhile: the answer is timed. Needs a server.
    """

    server: str | None
    model: str
    sampling: Sampling = field(default_factory=Sampling)
    quantisation: str | None = None
    conversation_id: str | None = None
    alone: bool = False


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

    def create(self, title: str = "", settings: Preferences | None = None) -> str:
        """Create a conversation with settings of its own and return its id."""
        ...

    def settings(self, conversation_id: str) -> Preferences:
        """Return what was set for a conversation alone."""
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

Prefer = Callable[[Choice, Preferences], Preferences]
"""Returns what an answer uses, given who answers and what its chat sets. May block; called off the event loop."""


class Exchange:
    """Sends messages and starts the runs that answer them.

    Args:
        conversations: Where messages live.
        hub: Runs the answers.
        call: Makes one model call.
        prefer: Adds to a chat's settings what profiles set, and fits them to the model.
        max_prompt_bytes: Largest message, in bytes of UTF-8.
        names_chats: Whether a model (second) of a server (first) may be asked for a title now.
    """

    def __init__(
        self,
        conversations: ConversationPort,
        hub: Hub,
        call: Caller,
        *,
        prefer: Prefer,
        max_prompt_bytes: int,
        names_chats: Callable[[str, str], bool],
    ) -> None:
        self._conversations = conversations
        self._hub = hub
        self._call = call
        self._prefer = prefer
        self._max_prompt_bytes = max_prompt_bytes
        self._names_chats = names_chats
        self._locks: dict[str, asyncio.Lock] = {}
        self._background: set[asyncio.Future[None]] = set()

    async def send(
        self, text: str, choice: Choice, conversation_id: str | None = None, settings: Preferences | None = None
    ) -> Sent:
        """Store the text as the next message and start the answer; returns once both are durable.

        Args:
            text: What the person wrote.
            choice: Who answers.
            conversation_id: Where it goes; None begins a conversation.
            settings: What a conversation that begins sets for itself; one that exists keeps its own.

        Raises:
            InputRefused: The text is empty or too large, a setting is outside its range, or an answer is being written
                in this conversation.
            StoreError: Nothing was stored.
        """
        text = self._accepted(text)
        if conversation_id is None:
            conversation_id = await asyncio.to_thread(self._conversations.create, title_from_prompt(text), settings)
        async with self._locks.setdefault(conversation_id, asyncio.Lock()):
            self._refuse_while_answering(conversation_id)
            wanted = await asyncio.to_thread(self._wanted, conversation_id, choice)
            branch = await asyncio.to_thread(self._conversations.branch, conversation_id)
            parent_id = branch[-1].id if branch else None
            asked = await asyncio.to_thread(
                self._conversations.add_message, conversation_id, parent_id, user_message(text)
            )
            return await self._answer(conversation_id, (*branch, asked), choice, wanted)

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
            wanted = await asyncio.to_thread(self._wanted, conversation_id, choice)
            await asyncio.to_thread(self._conversations.select, conversation_id, branch[-1].id)
            return await self._answer(conversation_id, branch, choice, wanted)

    async def go_on(self, choice: Choice, conversation_id: str) -> Sent:
        """Have the last answer of the selected branch continued where it broke off; what came before stays as it is.

        The continuation is an answer of its own under the first one, so that it is plain who wrote what.

        Raises:
            InputRefused: There is no answer to go on with, or one is being written.
            StoreError: Nothing was started.
        """
        async with self._locks.setdefault(conversation_id, asyncio.Lock()):
            self._refuse_while_answering(conversation_id)
            branch = tuple(await asyncio.to_thread(self._conversations.branch, conversation_id))
            if not branch or branch[-1].message.role != "assistant":
                raise InputRefused(Fault(kind="bad_request", title="There is no answer to go on with here"))
            wanted = await asyncio.to_thread(self._wanted, conversation_id, choice)
            return await self._answer(conversation_id, branch, choice, wanted, asking=(user_message(_GO_ON),))

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

    def _wanted(self, conversation_id: str, choice: Choice) -> Preferences:
        """Return what an answer in the conversation uses; blocks."""
        own = combined(Preferences(sampling=choice.sampling), self._conversations.settings(conversation_id))
        return self._prefer(choice, own)

    async def _answer(
        self,
        conversation_id: str,
        branch: Sequence[Entry],
        choice: Choice,
        wanted: Preferences,
        asking: tuple[Message, ...] = (),
    ) -> Sent:
        asked = branch[-1]
        choice = replace(choice, conversation_id=conversation_id)
        request = ModelRequest(
            model=choice.model,
            messages=to_prompt((*(entry.message for entry in branch), *asking), wanted.system_prompt),
            sampling=wanted.sampling,
            ttl_s=wanted.ttl_s,
            context_length=wanted.context_length,
        )
        spec = RunSpec(
            run_id=new_id(),
            kind="chat",
            started_at=datetime.now(UTC),
            conversation_id=conversation_id,
            parent_message_id=asked.id,
            message_id=new_id(),
            server=choice.server or "",
            model=choice.model,
        )
        run = self._hub.start(spec, partial(self._call, request, choice))
        await asyncio.shield(run.recorded)
        if len(branch) == 1:
            self._in_background(self._name(run, asked.message, choice))
        return Sent(conversation_id, asked.id, run.spec.run_id)

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[None]) -> None:
        self._background.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.warning("a chat got no title: %s", error if isinstance(error, ApeHostError) else type(error).__name__)

    async def _name(self, answered: LiveRun, question: Message, choice: Choice) -> None:
        """Have the model name the conversation after its first answer; else the prompt's title stands."""
        conversation_id = answered.spec.conversation_id
        await answered.finished.wait()
        finished, answer = answered.transcript.finished, answered.transcript.message()
        turn = answered.transcript.turn
        if conversation_id is None or finished is None or turn is None or answer is None:
            return
        if finished.outcome != "completed" or not self._names_chats(turn.start.server, choice.model):
            return
        choice = replace(choice, server=turn.start.server, conversation_id=None)
        spec = RunSpec(
            run_id=new_id(),
            kind="title",
            started_at=datetime.now(UTC),
            conversation_id=conversation_id,
            parent_run_id=answered.spec.run_id,
            server=turn.start.server,
            model=choice.model,
        )
        request = title_request(choice.model, question, answer)
        run = self._hub.start(spec, partial(self._call, request, choice))
        await run.finished.wait()
        named = run.transcript.turn
        title = title_from_answer(named.text) if named else None
        if title:
            await asyncio.to_thread(self._conversations.improve_title, conversation_id, title)
