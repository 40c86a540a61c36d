"""Voting on answers: two at a time, by default without names.

While names are hidden nothing on the page may give them away: no speed, no numbers, no thoughts, no marks of failure,
and no names in keys. Which side an answer stands on is drawn by lot.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast

import streamlit as st

from apehost_core.compare.answers import Answer
from apehost_core.compare.comparison import Comparison, Verdict, Vote
from apehost_core.compare.numbers import counted
from apehost_core.compare.plan import Plan
from apehost_core.compare.sample import Sample
from apehost_ui.compare_ballot import Ballot, ballots
from apehost_ui.compare_words import names as contender_names
from apehost_ui.components.grid import grid
from apehost_ui.markdown import plain_label, safe

_Mode = Literal["blind", "open"]
_MODES: dict[_Mode, str] = {"blind": "Names hidden", "open": "Names shown"}
_BUTTONS: tuple[tuple[Verdict, str, str], ...] = (
    ("left", "A is better", "Alt+A"),
    ("right", "B is better", "Alt+B"),
    ("tie", "Tie", "Alt+T"),
    ("both_bad", "Both bad", "Alt+X"),
)
_SAID: dict[Verdict, str] = {
    "left": "A is better",
    "right": "B is better",
    "tie": "a tie",
    "both_bad": "both are bad",
}
_LONG_CHARACTERS, _LONG_LINES, _ROOM_PX = 1_200, 18, 440
_NOTHING = (
    "There are no two answers to vote on yet. As soon as two different models have answered the same prompt, their "
    "answers stand here without names, and your votes make the leaderboard."
)
_ONE_MODEL = "All contenders are the same model. Votes say which model is better, so there is nothing to vote on here."


class OnVote(Protocol):
    """Keeps a vote."""

    def __call__(self, left: int, right: int, verdict: Verdict, *, blind: bool) -> None:
        """Keep what was said of the cells that stood left and right."""
        ...


@dataclass(frozen=True, slots=True)
class VoteActions:
    """What voting asks of the host.

    Attributes:
        answers: Returns the answers to cells.
        vote: Keeps a vote.
        take_back: Forgets the vote of that id.
        tell: Takes note that the names of two cells are shown.
    """

    answers: Callable[[Sequence[int]], Mapping[int, Answer]]
    vote: OnVote
    take_back: Callable[[str], None]
    tell: Callable[[frozenset[int]], None]


def voting(
    comparison: Comparison,
    plan: Plan,
    sample: Sample,
    votes: Sequence[Vote],
    named: Collection[frozenset[int]],
    actions: VoteActions,
) -> None:
    """Draw the next two answers, and what was said of the last two.

    Args:
        comparison: Whose answers they are.
        plan: The cells.
        sample: Which of them were answered.
        votes: On this comparison, oldest first, the judge's too.
        named: Pairs of cells whose names this person has seen.
        actions: What the buttons do.
    """
    names = contender_names(comparison.setup)
    own = [vote for vote in votes if vote.voter == "person"]
    found = ballots(sample, plan, own, named)
    mode = _mode()
    with st.container(key="vote-last"):
        if own:
            _last(own[-1], plan, names, actions.take_back)
    with st.container(key="vote-next"):
        if found.next is not None:
            st.progress(found.done / found.all, f"{found.done:,} of {counted(found.all, 'pair')} of answers voted on")
            pair = frozenset((found.next.left, found.next.right))
            if mode == "open":
                actions.tell(pair)
            elif pair in named:
                st.caption("You have seen whose answers these are, so they stand by their names.")
            shown = names if mode == "open" or pair in named else None
            _ballot(comparison, plan, found.next, actions, shown, len(own))
        elif found.all:
            st.success(f"You have voted on all {counted(found.all, 'pair')} of answers.", icon=":material/done_all:")
        else:
            same = len({one.identity for one in comparison.setup.contenders}) == 1
            st.info(_ONE_MODEL if same else _NOTHING, icon=":material/how_to_vote:")
    with st.container(key="vote-judge"):
        if mode == "open" or found.next is None:
            _judged([vote for vote in votes if vote.voter == "judge"], plan, names, sample.without_verdict(plan, votes))


def _mode() -> _Mode:
    picked = st.segmented_control(
        "Names",
        tuple(_MODES),
        required=True,
        default="blind",
        format_func=_MODES.__getitem__,
        key="vote-mode",
        label_visibility="collapsed",
    )
    return cast("_Mode", picked)


def _last(vote: Vote, plan: Plan, names: Sequence[str], take_back: Callable[[str], None]) -> None:
    """Draw whose answers were voted on last, and the way back."""
    left, right = (names[plan.cells[cell].contender] for cell in (vote.left, vote.right))
    prompt = plan.cells[vote.left].prompt + 1
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"Prompt {prompt}: A was **{plain_label(left)}**, B was **{plain_label(right)}**. "
            f"You said: {_SAID[vote.verdict]}.",
            width="stretch",
        )
        icon = ":material/undo:"
        st.button("Take back", key=f"take-back|{vote.id}", icon=icon, on_click=take_back, args=(vote.id,))


def _ballot(
    comparison: Comparison,
    plan: Plan,
    ballot: Ballot,
    actions: VoteActions,
    names: Sequence[str] | None,
    before: int,
) -> None:
    """Draw two answers and the four buttons; the names only where they are given."""
    answers = actions.answers((ballot.left, ballot.right))
    texts = [answers[cell].text if cell in answers else "" for cell in (ballot.left, ballot.right)]
    long = any(len(text) > _LONG_CHARACTERS or text.count("\n") > _LONG_LINES for text in texts)
    with st.chat_message("user", avatar=":material/person:"):
        st.text(comparison.setup.prompts[ballot.prompt].text)
    for side, column in enumerate(st.columns(2, gap="medium")):
        with column:
            cell = (ballot.left, ballot.right)[side]
            name = f": {plain_label(names[plan.cells[cell].contender])}" if names else ""
            st.markdown(f"**Answer {'AB'[side]}{name}**")
            with st.container(border=True, height=_ROOM_PX if long else "content", key=f"vote-answer-{'ab'[side]}"):
                st.markdown(safe(texts[side]) if texts[side].strip() else "*No text.*")
    with st.container(horizontal=True, horizontal_alignment="center", key="vote-buttons"):
        for verdict, label, shortcut in _BUTTONS:
            # The count makes each pair's buttons new ones: a second click on the old ones is no vote on the next pair.
            st.button(
                label,
                key=f"vote-{verdict}|{before}",
                shortcut=shortcut,
                on_click=actions.vote,
                args=(ballot.left, ballot.right, verdict),
                kwargs={"blind": names is None},
            )


def _judged(votes: Sequence[Vote], plan: Plan, names: Sequence[str], unread: int) -> None:
    """Draw what a judging model said of each pair, and of how many it said nothing; nothing where none was asked."""
    if not votes and not unread:
        return
    st.subheader("What the judge said", anchor=False)
    if unread:
        st.caption(f"{counted(unread, 'pair')} without a verdict: what the judge wrote could not be read as one.")
    if votes:
        _tally(votes, plan, names)


def _tally(votes: Sequence[Vote], plan: Plan, names: Sequence[str]) -> None:
    """Draw how often each model was called better."""
    tally: dict[tuple[int, int], Counter[str]] = {}
    for vote in votes:
        left, right = plan.cells[vote.left].contender, plan.cells[vote.right].contender
        said = {"left": left, "right": right}.get(vote.verdict)
        a, b = min(left, right), max(left, right)
        tally.setdefault((a, b), Counter())["tie" if said is None else "a" if said == a else "b"] += 1
    judges = ", ".join(sorted({vote.judge for vote in votes if vote.judge}))
    st.caption(plain_label(f"Judged by model {judges}, in both orders; where they disagree, it is a tie."))
    rows = [
        {
            "A": names[a],
            "B": names[b],
            "A is better": said["a"],
            "B is better": said["b"],
            "Tie": said["tie"],
        }
        for (a, b), said in sorted(tally.items())
    ]
    grid(rows, key="table-judge", alt="The judge's verdicts, pair by pair")
