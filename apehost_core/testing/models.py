"""What a simulated server has on its disk: models, as values. What is loaded of them is `memory`'s."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SimModel:
    """A model that the simulator has.

    Attributes:
        key: The id to ask for.
        words: The tokens it answers with, in order.
        reasoning: Tokens of `reasoning_content` before them.
        tokens_per_s: Pace; 0 is as fast as it goes.
        first_token_s: Silence before the first token.
        load_s: Seconds that a load takes.
        quantisation: As listed.
        context: Tokens that fit when nobody says how many; four times as many can be asked for.
        embedding: It is no chat model.
        publisher: As listed.
        architecture: As listed.
        params: As listed.
        size_bytes: As listed; also what a download of it counts to.
        vision: It takes images.
        tools: It was trained for tools.
        reasoning_options: Settings it allows; empty says nothing about reasoning, and none is refused.
        reasoning_default: The one that holds when none is asked for.
        parallel: Answers at once, as an instance of it says; more are not held back.
        downloaded: It is there; else it can be downloaded, and is not listed until it is.
        loaded: Whether it is in memory at the start; None: if a load takes no time and does not fail.
        load_fails: What is said when it is loaded, which fails after `load_s`; None when it succeeds.
    """

    key: str = "sim-model"
    words: tuple[str, ...] = ("Hello", " from", " the", " simulator", ".")
    reasoning: tuple[str, ...] = ()
    tokens_per_s: float = 0
    first_token_s: float = 0
    load_s: float = 0
    quantisation: str = "Q4_K_M"
    context: int = 4096
    embedding: bool = False
    publisher: str = "simulator"
    architecture: str = "sim"
    params: str = "1B"
    size_bytes: int = 1_000_000_000
    vision: bool = False
    tools: bool = True
    reasoning_options: tuple[str, ...] = ()
    reasoning_default: str | None = None
    parallel: int = 4
    downloaded: bool = True
    loaded: bool | None = None
    load_fails: str | None = None

    @property
    def at_start(self) -> bool:
        """Whether it is in memory when the server starts."""
        if self.loaded is None:
            return self.downloaded and not self.load_s and self.load_fails is None
        return self.loaded
