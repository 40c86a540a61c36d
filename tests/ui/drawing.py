"""A page that draws nothing but one component, without a host."""

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from tests.ui.tab import COMPONENTS

_PATIENCE_S = 60


def drawn(draw: Callable[[], None]) -> AppTest:
    """The page; each of its runs draws the component anew."""
    tester = AppTest.from_function(_page, default_timeout=_PATIENCE_S, kwargs={"draw": draw})
    tester._bidi_component_manager = COMPONENTS
    return ran(tester)


def ran(tester: AppTest) -> AppTest:
    """The page run as any event of the browser runs it; nothing may be raised."""
    tester.run()
    raised = ["\n".join((error.message, *error.stack_trace)) for error in tester.exception]
    assert not raised, "\n\n".join(raised)
    return tester


def _page(draw):  # the tester runs these lines alone, where no type is known
    draw()
