"""What a plan needs to know of the servers: values, so that a plan can be made without any."""

from dataclasses import dataclass

from apehost_core.model import ModelInfo


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server at one moment.

    Attributes:
        name: As configured.
        machine: Servers with the same number run on one machine. It says nothing else.
        models: What it lists, with load states.
        answers: Whether it takes requests, as far as is known.
    """

    name: str
    machine: int
    models: tuple[ModelInfo, ...] = ()
    answers: bool = True

    def model(self, key: str) -> ModelInfo | None:
        """Return the model of that key, whatever its case; None when it is not listed."""
        return next((model for model in self.models if model.key.casefold() == key.casefold()), None)

    def ready(self, key: str, context: int | None) -> bool:
        """Whether a model can answer without being loaded, with at least what is known of its context.

        A server that does not tell what is loaded counts as having it.

        Args:
            key: The model.
            context: Tokens that it is to be loaded with; None takes any.
        """
        model = self.model(key)
        if model is None or model.state == "unknown":
            return True
        fits = context is None or model.loaded_context in (None, context)
        return model.state == "loaded" and fits


@dataclass(frozen=True, slots=True)
class Facts:
    """All servers at one moment, in their order."""

    servers: tuple[ServerFacts, ...] = ()

    def server(self, name: str) -> ServerFacts | None:
        """Return a server; None when there is none of that name."""
        return next((server for server in self.servers if server.name == name), None)

    def ready(self, server: str, key: str, context: int | None) -> bool:
        """Whether a model can answer without being loaded; see `ServerFacts.ready`. Unknown servers count as ready."""
        known = self.server(server)
        return known is None or known.ready(key, context)
