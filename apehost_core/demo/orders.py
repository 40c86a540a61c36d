"""What the app and the engine's process say to each other: one line of JSON each."""

from pydantic import BaseModel, ConfigDict, Field


class Order(BaseModel):
    """What to serve, from the app to the process.

    Attributes:
        model: Path of the GGUF file.
        name: The model's id.
        key: API key that every request must carry.
        threads: CPU threads.
        parallel: Answers that are written at a time.
        port: Where to listen; 0 takes a free one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    model: str
    name: str
    key: str = Field(repr=False)
    threads: int
    parallel: int
    port: int = 0


class Ready(BaseModel):
    """Where the engine listens and which version it is, from the process to the app."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    version: str
