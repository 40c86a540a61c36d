"""What an action could not do, said by its page."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from apehost_core.errors import ApeHostError, Fault


class Page(Protocol):
    """A page's state.

    Attributes:
        refusal: Why the last action was not done.
    """

    refusal: Fault | None


@contextmanager
def told(page: Page) -> Generator[None, None, None]:
    """Have a page say why what is done inside of the context could not be done, and nothing of what was before."""
    page.refusal = None
    try:
        yield
    except ApeHostError as error:
        page.refusal = error.fault
