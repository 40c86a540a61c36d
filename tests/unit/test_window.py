"""What of a conversation is sent."""

from apehost_core.chat.window import to_prompt
from apehost_core.messages import Message, ReasoningPart, TextPart, assistant_message, user_message


def test_reasoning_stays_here() -> None:
    """Reasoning is not sent back; a message of nothing else is left out."""
    history = [
        user_message("q"),
        Message("assistant", (ReasoningPart("r"), TextPart("a"))),
        user_message("q2"),
        Message("assistant", (ReasoningPart("only"),)),
    ]
    assert to_prompt(history) == (user_message("q"), assistant_message("a"), user_message("q2"))


def test_roles_alternate() -> None:
    """Two questions in a row, the first one unanswered, go out as one message."""
    sent = to_prompt([user_message("one"), user_message("two")])
    assert sent == (Message("user", (TextPart("one"), TextPart("two"))),)


def test_a_system_prompt_comes_first() -> None:
    """It is the first message; an empty one is none."""
    history = [user_message("q")]
    assert to_prompt(history, "Be brief.") == (Message("system", (TextPart("Be brief."),)), user_message("q"))
    assert to_prompt(history, "") == (user_message("q"),) == to_prompt(history, None)


def test_a_history_with_a_system_prompt_of_its_own() -> None:
    """Both stand in one message, because many templates allow no second one."""
    own = Message("system", (TextPart("Own."),))
    assert to_prompt([own, user_message("q")], "Set.") == (
        Message("system", (TextPart("Set."), TextPart("Own."))),
        user_message("q"),
    )
