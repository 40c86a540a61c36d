"""How models do in votes: ratings with intervals, and what more votes would tell."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Literal, cast

import streamlit as st

from apehost_core.compare.numbers import counted
from apehost_core.compare.summary import Leaderboard, Rating
from apehost_ui.components.compare_charts import Dot, dot_chart
from apehost_ui.components.grid import grid
from apehost_ui.markdown import plain_label

Voter = Literal["person", "judge"]
_VOTERS: dict[Voter, str] = {"person": "People", "judge": "A model as judge"}
_ALL = "All topics"
_NOBODY: dict[Voter, str] = {
    "person": "No votes yet. Open a comparison and its Votes: two answers stand there without names, and each vote on "
    "them moves the ratings here.",
    "judge": "No model has judged yet. A comparison can name a judge, which reads each two answers in both orders.",
}
_GROUPS = (
    "Not all of these models were compared with each other, directly or through others. Ratings mean nothing from one "
    "group to another; a comparison of models from two groups, with some votes, connects them."
)


def leaderboard(
    topics: Sequence[str], judges: Sequence[str], get_board: Callable[[str | None, Voter], Leaderboard]
) -> None:
    """Draw the ratings of one kind of voter, on one topic or all.

    Args:
        topics: On which there are votes.
        judges: Keys of the models that judged.
        get_board: Returns the ratings on a topic (None: all) by a voter.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", key="board-filters"):
        voter = _voter(judges)
        topic = st.selectbox("Topic", (_ALL, *topics), key="board-topic", width=260) if topics else _ALL
    with st.container(key="board"):
        if voter == "judge":
            st.caption(plain_label(f"Judged by model {', '.join(judges)}: an opinion of a model, not of people."))
        _board(get_board(None if topic == _ALL else topic, voter), voter)


def identity_name(identity: tuple[str, str | None]) -> str:
    """Return what a vote's model is called: its key and quantisation."""
    return " ".join(filter(None, identity))


def _voter(judges: Sequence[str]) -> Voter:
    if not judges:
        return "person"
    picked = st.segmented_control(
        "Votes of",
        tuple(_VOTERS),
        required=True,
        default="person",
        format_func=_VOTERS.__getitem__,
        key="board-voter",
    )
    return cast("Voter", picked)


def _board(board: Leaderboard, voter: Voter) -> None:
    if not board.ratings:
        st.info(_NOBODY[voter], icon=":material/how_to_vote:")
        return
    if not board.connected:
        st.warning(_GROUPS, icon=":material/hub:")
    for group, ratings in groupby(board.ratings, key=lambda rating: rating.group):
        if not board.connected:
            st.markdown(f"**Group {group + 1}**")
        _chart(list(ratings), group)
    if board.more_votes is not None and board.next_pair is not None:
        one, other = (plain_label(identity_name(identity)) for identity in board.next_pair)
        st.markdown(f"About {counted(board.more_votes, 'more vote')} would separate **{one}** and **{other}**.")
    grid(_rows(board), key="table-board", alt="Ratings of models by votes")
    st.caption(
        f"{counted(board.votes, 'vote')}. On this scale 1000 is the middle, and 400 more is ten times the odds to be "
        "preferred. Where two intervals overlap widely, the order of the two may be chance."
    )


def _chart(ratings: Sequence[Rating], group: int) -> None:
    dots = [
        Dot(
            0,
            identity_name(rating.identity),
            rating.strength,
            rating.interval.low if rating.interval else None,
            rating.interval.high if rating.interval else None,
            f"{_strength(rating)} · {counted(rating.votes, 'vote')}",
        )
        for rating in ratings
    ]
    dot_chart(dots, "rating, higher is better", alt="Ratings with intervals", key=f"chart-board-{group}", zero=False)


def _strength(rating: Rating) -> str:
    if rating.interval is None:
        return f"{rating.strength:.0f} (too few votes for an interval)"
    return f"{rating.strength:.0f} [{rating.interval.low:.0f} to {rating.interval.high:.0f}]"


def _rows(board: Leaderboard) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for _, ratings in groupby(board.ratings, key=lambda rating: rating.group):
        for place, rating in enumerate(ratings, 1):
            row: dict[str, object] = {} if board.connected else {"Group": rating.group + 1}
            row |= {
                "Place": place,
                "Model": rating.identity[0],
                "Quantisation": rating.identity[1],
                "Rating": _strength(rating),
                "Votes": rating.votes,
            }
            rows.append(row)
    return rows
