"""What the record knows of a model or a tool, as values. `store/cards` fills them.

Every number says what it rests on; what is not known is None, never 0. Calls that other programs recorded have cards of
their own, since their times were taken elsewhere.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from apehost_core.history.charts import Span

Source = Literal["measured", "imported"]

FEWEST_TO_TELL = 20
"""With fewer cases a share is shown with its interval, and called too few to tell."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something was so.

    Attributes:
        k: In so many cases.
        n: Of so many; 0 when there was none.
        low: Lower end (0-1) of Wilson's interval at 95 %.
        high: Upper end (0-1).
    """

    k: int
    n: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """From 0 to 1; None of no case."""
        return self.k / self.n if self.n else None

    @property
    def tells(self) -> bool:
        """Whether there are enough cases to speak of a share."""
        return self.n >= FEWEST_TO_TELL


@dataclass(frozen=True, slots=True)
class Spread:
    """How values lie: the 10th, 50th and 90th percentile of n of them."""

    p10: float
    p50: float
    p90: float
    n: int


@dataclass(frozen=True, slots=True)
class Uses:
    """What a model was used for.

    Attributes:
        calls: Model calls.
        answered: Those that ended well, or at a limit.
        conversations: In how many conversations.
        prompt_tokens: Sum over the calls that tell.
        completion_tokens: Sum over the calls that tell.
        estimated: Calls of which one of the token counts is an estimate of ours.
        kinds: What the calls were for with their number, the most frequent first; imported ones are chats.
        servers: On which servers with their number, the most frequent first.
        first_at: When the first call began, UTC.
        last_at: When the last one began, UTC.
    """

    calls: int
    answered: int
    conversations: int
    prompt_tokens: int
    completion_tokens: int
    estimated: int
    kinds: tuple[tuple[str, int], ...]
    servers: tuple[tuple[str, int], ...]
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SizeSpeed:
    """How fast a model is with prompts of one length.

    Attributes:
        span: Prompt tokens, from (inclusive) and up to (exclusive, None: no end).
        ttft_ms: Time to first token of warm calls whose prompt did not come from the server's cache; None of no call.
        decode_tok_s: Tokens a second between the first and the last one; None of no call.
    """

    span: Span
    ttft_ms: Spread | None
    decode_tok_s: Spread | None


@dataclass(frozen=True, slots=True)
class PromptSpeed:
    """How fast prompts are read: from the slope of the time to first token over the prompt's tokens.

    Attributes:
        tok_s: Tokens a second.
        low: Lower end of the interval at 95 %.
        high: Upper end.
        fixed_ms: What every call takes, however short its prompt.
        n: Warm, uncached calls that it rests on.
        server: On which server; the speed is one machine's.
    """

    tok_s: float
    low: float
    high: float
    fixed_ms: float
    n: int
    server: str


@dataclass(frozen=True, slots=True)
class VoteCount:
    """How a model did in people's votes on comparisons; votes between a model and itself do not count."""

    won: int = 0
    lost: int = 0
    ties: int = 0
    both_bad: int = 0

    @property
    def total(self) -> int:
        """How many votes."""
        return self.won + self.lost + self.ties + self.both_bad


@dataclass(frozen=True, slots=True)
class ToolReliability:
    """How well a model calls tools.

    Attributes:
        calls: Calls it asked for.
        valid: Of those: a tool that exists, arguments that it takes.
        succeeded: Of the valid calls that were carried out and whose end is known: those without an error. Calls that a
            person denied or stopped are no fault of the tool and are left out.
        looping: Of runs with tool calls: those in which the same call came three times or more.
    """

    calls: int
    valid: Rate
    succeeded: Rate
    looping: Rate


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model in one quantisation, as it did in one scope.

    Attributes:
        model: Its key.
        quantisation: None when not told.
        source: Whether its calls were measured here or recorded by another program.
        uses: What it was used for.
        speeds: By prompt length, only lengths with a call.
        prompt_speeds: One for each server that tells enough, the most used first.
        regenerated: Of its finished answers in conversations: those for which another answer was asked.
        edited: Of those answers: those after which the question was written anew.
        stopped: Of its chat answers: those that a person stopped.
        cut: Of its answers: those that ended at the limit of tokens.
        failed: Of its calls: those that failed.
        votes: How people voted; None for imported ones.
        tools: How it calls tools; None when it never did.
    """

    model: str
    quantisation: str | None
    source: Source
    uses: Uses
    speeds: tuple[SizeSpeed, ...]
    prompt_speeds: tuple[PromptSpeed, ...]
    regenerated: Rate
    edited: Rate
    stopped: Rate
    cut: Rate
    failed: Rate
    votes: VoteCount | None
    tools: ToolReliability | None


@dataclass(frozen=True, slots=True)
class ToolCard:
    """One tool, as it did in one scope.

    Attributes:
        tool: Its name.
        origin: Where the tool comes from: built in, or the name of an MCP server.
        source: Whether its calls were measured here or recorded by another program.
        calls: How often it was called.
        succeeded: As in `ToolReliability`.
        valid: As in `ToolReliability`.
        duration_ms: How long the calls took; None when not known.
        errors: Kinds of errors with their number, the most frequent first.
        models: Which models called it with the success of each, the most frequent first.
        last_at: When it was last called, UTC; None when not known.
    """

    tool: str
    origin: str
    source: Source
    calls: int
    succeeded: Rate
    valid: Rate
    duration_ms: Spread | None
    errors: tuple[tuple[str, int], ...]
    models: tuple[tuple[str, Rate], ...]
    last_at: datetime | None
