"""What each page remembers between reruns, as plain data: `state` keeps one of each for a session."""

from dataclasses import dataclass, field, replace
from typing import Literal

from apehost_core.compare.comparison import CacheMode, CheckKind, Mode, Prompt
from apehost_core.errors import Fault
from apehost_core.model import Preferences

PAGE_SIZE = 20
LIST_SIZE = 40
CONTEXT = 4
"""So many messages before one that is looked for are drawn."""


@dataclass(frozen=True, slots=True)
class Picked:
    """The model that the next message goes to.

    Attributes:
        server: None leaves it open which of the servers that have the model answers.
        model: Its key.
        quantisation: As listed; with it, only servers that list the same are meant.
    """

    server: str | None
    model: str
    quantisation: str | None = None

    @property
    def key(self) -> str:
        """The choice as one text."""
        return "\n".join((self.server or "", self.model, self.quantisation or ""))

    @classmethod
    def of(cls, key: str) -> "Picked":
        """Return the choice of a text."""
        server, model, quantisation = key.split("\n")
        return cls(server or None, model, quantisation or None)


@dataclass(slots=True)
class ChatState:
    """What the chat page remembers between reruns.

    Attributes:
        picked: None until a model was picked or preselected.
        shown: How many messages are drawn, counted from the newest.
        later: How many of the newest are not drawn.
        sought: The message of the URL that was found in its branch; None when none was.
        shown_in: The conversation that `shown` belongs to.
        listed: How many conversations the sidebar lists, counted from the newest.
        refusal: Why the last text was not sent; shown above the composer until the next send.
        unsent: A text that was not sent and goes back into the composer; None when there is none.
        undo: (id, title) of the conversation just put in the trash; None when there is nothing to undo.
        page: The page that was drawn last.
        opened: The conversation or comparison that the URL named then; None when it named none.
        dialog: Which dialog is open; None when none is.
        emptied: How often all fields of the opened settings dialog were emptied.
        settings: What the next new chat sets for itself; goes with its first message.
        to_chat: Query parameters of a conversation that was picked on another page; the frame switches to the chat
            page with them. None when none was.
    """

    picked: Picked | None = None
    shown: int = PAGE_SIZE
    later: int = 0
    sought: str | None = None
    shown_in: str | None = None
    listed: int = LIST_SIZE
    refusal: Fault | None = None
    unsent: str | None = None
    undo: tuple[str, str] | None = None
    page: str = ""
    opened: str | None = None
    dialog: str | None = None
    emptied: int = 0
    settings: Preferences = field(default_factory=Preferences)
    to_chat: dict[str, str] | None = None


@dataclass(slots=True)
class ProfilesState:
    """What the editor of profiles remembers between reruns.

    Attributes:
        editing: Id of the profile whose form is open, or "new"; None when no form is.
        deleting: Id of the profile that shall be deleted and waits for the second step; None when none does.
    """

    editing: str | None = None
    deleting: str | None = None


@dataclass(slots=True)
class ServersState:
    """What the servers page remembers between reruns. Never an address or a token: those stand in the dialog only.

    Attributes:
        refusal: Why the last action was not done; shown until the next one.
        refused: The server that it was about; None when it was about none.
        refused_download: Whether it was a download, which is answered beside its form.
        removing: The server whose removal waits for its second step; None when none does.
        downloads: How many downloads were begun; each begins with an empty field.
    """

    refusal: Fault | None = None
    refused: str | None = None
    refused_download: bool = False
    removing: str | None = None
    downloads: int = 0


Source = Literal["typed", "template", "file", "history"]
"""Where the prompts of a benchmark come from."""


@dataclass(slots=True)
class ContenderDraft:
    """One line of the models that shall be compared.

    Attributes:
        number: Names it while the draft lasts.
        model: Server, key and quantisation; the server is always named.
        own: What it sets beside what all of them set.
    """

    number: int
    model: Picked
    own: Preferences = field(default_factory=Preferences)


@dataclass(slots=True)
class CheckDraft:
    """One line of what must be true of each answer.

    Attributes:
        number: Names it while the draft lasts.
        kind: How the value is meant.
        value: As it was typed; an empty one checks nothing.
    """

    number: int
    kind: CheckKind = "contains"
    value: str = ""


@dataclass(slots=True)
class SetupDraft:
    """A comparison that is being set up; what the form holds, so that leaving the page loses nothing.

    Attributes:
        version: Counts drafts; each has fields of its own.
        numbers: How many lines were numbered.
        mode: What it is for.
        contenders: Who answers, in the order of the columns.
        shared: What all of them set.
        prompt: Of side by side.
        source: Where a benchmark's prompts come from.
        typed: Prompts with lines of --- between them.
        template: Text with {{fields}}.
        grid: By field: its values, one a line.
        file: Name of the file that was read, or what else the prompts came from; empty when none was.
        file_id: Of the file as it was handed over; empty for what was no file.
        file_prompts: What stood in it.
        file_fault: Why it could not be read; None when it could.
        contains: Text that past prompts hold.
        asked_of: Key of the model that answered them; empty for any.
        first_only: Only the first messages of conversations.
        past_limit: How many at most.
        past: What was found; None before anything was looked for.
        past_chosen: Places of those that are taken; none means all.
        topic: Of all prompts that have none.
        repeats: Of a benchmark.
        cache: Of a benchmark.
        warm_ups: Of a benchmark.
        together: Side by side: all at once.
        same_machine: Servers of one host name share a machine.
        checks: What must be true of all answers.
        judge: Who compares the answers; None when nobody does.
        watts: By server, as the person says; None or missing when not said.
        price_kwh: None when not said.
    """

    version: int = 0
    numbers: int = 0
    mode: Mode = "side_by_side"
    contenders: list[ContenderDraft] = field(default_factory=list[ContenderDraft])
    shared: Preferences = field(default_factory=Preferences)
    prompt: str = ""
    source: Source = "typed"
    typed: str = ""
    template: str = ""
    grid: dict[str, str] = field(default_factory=dict[str, str])
    file: str = ""
    file_id: str = ""
    file_prompts: tuple[Prompt, ...] = ()
    file_fault: Fault | None = None
    contains: str = ""
    asked_of: str = ""
    first_only: bool = True
    past_limit: int = 20
    past: tuple[Prompt, ...] | None = None
    past_chosen: tuple[int, ...] = ()
    topic: str = ""
    repeats: int = 3
    cache: CacheMode = "defeat"
    warm_ups: int = 1
    together: bool = False
    same_machine: bool = True
    checks: list[CheckDraft] = field(default_factory=list[CheckDraft])
    judge: Picked | None = None
    watts: dict[str, float | None] = field(default_factory=dict[str, float | None])
    price_kwh: float | None = None

    def copy(self) -> "SetupDraft":
        """Return a draft that stays as it is when this one is changed; prompts and the like never change."""
        return replace(
            self,
            contenders=[replace(one) for one in self.contenders],
            checks=[replace(one) for one in self.checks],
            grid=dict(self.grid),
            watts=dict(self.watts),
        )

    def key(self, name: str) -> str:
        """Return the key of a field of this draft."""
        return f"setup{self.version}|{name}"

    def next_number(self) -> int:
        """Return a number that no line of this draft has had, from 1."""
        self.numbers += 1
        return self.numbers


@dataclass(slots=True)
class CompareState:
    """What the compare page remembers between reruns.

    Attributes:
        draft: The comparison that is being set up.
        draft_name: Under which it is kept, for a refresh.
        refusal: Why the last action was not done; shown until the next one.
        undo: (id, title) of the comparison just put in the trash; None when there is nothing to undo.
        named: Pairs of cells, by comparison, whose names were shown before a vote.
        opening: Id of a comparison that was begun and is not yet the one that the URL names; None when none is.
    """

    draft: SetupDraft = field(default_factory=SetupDraft)
    draft_name: str = ""
    refusal: Fault | None = None
    undo: tuple[str, str] | None = None
    named: dict[str, set[frozenset[int]]] = field(default_factory=dict[str, set[frozenset[int]]])
    opening: str | None = None
