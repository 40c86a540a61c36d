"""How servers are said: states, looks, traffic, loads and downloads in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from apehost_core.errors import Fault
from apehost_core.model import ModelInfo
from apehost_core.servers import DownloadView, LoadView, ServerState, ServerView, Traffic
from apehost_ui import server_words
from apehost_ui.words import SERVER_BADGES, SERVER_STATES

SERVER = ServerView("mini", "online", kind="LM Studio", traffic=Traffic(width=4))
NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (SERVER, "● online · LM Studio"),
        (replace(SERVER, kind="llama.cpp"), "● online · llama.cpp, not LM Studio"),
        (replace(SERVER, kind="llama.cpp", origin="demo"), "● online · llama.cpp"),
        (replace(SERVER, state="offline", kind=""), "✕ offline"),
        (replace(SERVER, state="loading"), "◔ loading a model · LM Studio"),
    ],
)
def test_state(server: ServerView, words: str) -> None:
    """The state comes with what answers there, and says when that is no LM Studio."""
    assert words == server_words.state_words(server)


def test_every_state_has_words_and_a_badge() -> None:
    """No state that a server can be in is without them."""
    states = set(ServerState.__args__)
    assert (states, states) == (set(SERVER_STATES), set(SERVER_BADGES))


@pytest.mark.parametrize(("in_s", "words"), [(3_600.9, "next look in 36"), (-1, "looking now"), (None, "looking now")])
def test_next_look(in_s: float | None, words: str) -> None:
    """The next look is counted down; without one a look is under way."""
    at = None if in_s is None else datetime.now(UTC) + timedelta(seconds=in_s)
    assert words in " · ".join(server_words.facts(replace(SERVER, next_check_at=at)))


def test_no_next_look_of_a_server_that_is_switched_off() -> None:
    """It is not looked at, so nothing is said of looks."""
    assert [] == server_words.facts(replace(SERVER, state="disabled"))


@pytest.mark.parametrize(("state", "told"), [("online", True), ("offline", True), ("busy", False), ("loading", False)])
def test_since(state: ServerState, told: bool) -> None:
    """A state says since when it holds only where that is known: not what goes on in a lane."""
    facts = server_words.facts(replace(SERVER, state=state, since=NOW))
    assert told == any(fact.startswith("since ") for fact in facts)


def test_facts_of_a_server() -> None:
    """Host, token and swaps are told where there is something to tell."""
    server = replace(SERVER, host="192.0.2.10:1234", has_token=True, swaps=True)
    assert {"192.0.2.10:1234", "with a token", "may load while it answers"} <= set(server_words.facts(server))


def test_moments_of_other_days_have_a_date() -> None:
    """A time of today stands alone; an older one says its day."""
    assert ", " not in server_words.clock(NOW)
    assert ", " in server_words.clock(NOW - timedelta(days=2))


@pytest.mark.parametrize(
    ("traffic", "words"),
    [
        (Traffic(4), "idle, 4 at a time"),
        (Traffic(4, 2), "2 of 4 answering"),
        (Traffic(4, 4, 1), "4 of 4 answering, 1 waiting"),
        (Traffic(4, 0, 1), "0 of 4 answering, 1 waiting"),
    ],
)
def test_traffic(traffic: Traffic, words: str) -> None:
    """How many answer, of how many, and who waits."""
    assert words == server_words.traffic_words(replace(SERVER, traffic=traffic))


def test_a_stalled_lane() -> None:
    """It says for how long nothing moved, and what can be done; a lane that moves says nothing."""
    stalled = server_words.stalled_words(replace(SERVER, traffic=Traffic(4, 1, 2, 65.0)))
    assert stalled is not None
    assert stalled.startswith("No sign of life for 1 min 05 s while 2 wait.")
    assert server_words.stalled_words(SERVER) is None


def test_a_resting_server() -> None:
    """It says until when, and that it can still be picked by hand."""
    resting = server_words.resting_words(replace(SERVER, resting_until=NOW))
    assert resting is not None
    assert f"Resting until {server_words.clock(NOW)} after several failures" in resting
    assert server_words.resting_words(SERVER) is None


@pytest.mark.parametrize(
    ("latencies", "words"),
    [
        ((), ""),
        ((10.0, 12.0, 40.0), "Looks take 12 ms (median of 3)"),
        ((10.0, None, 14.0), "Looks take 12 ms (median of 2), 1 failed"),
        ((None, None), "2 of the last 2 looks failed"),
    ],
)
def test_latency(latencies: tuple[float | None, ...], words: str) -> None:
    """The median and the failures are said, and how many looks they come from."""
    assert words == server_words.latency_words(latencies)


def test_a_load_in_line() -> None:
    """A load that waits says its place, and has no share."""
    load = LoadView("qwen", None, NOW, usual_s=8.0, position=2)
    assert server_words.load_words(load).startswith("2nd in line for loading")
    assert server_words.load_share(load) is None


def test_a_load_with_progress() -> None:
    """A share that the server tells is said as it is, beside what the load usually takes."""
    load = LoadView("qwen", None, NOW, fraction=0.4, usual_s=8.0)
    words = server_words.load_words(load)
    assert words.startswith("loading 40%")
    assert words.endswith("usually 8.0 s")
    assert 0.4 == server_words.load_share(load)


def test_a_load_that_takes_longer_than_usual() -> None:
    """A share that is guessed from the last time never says that it is done."""
    assert 0.95 == server_words.load_share(LoadView("qwen", None, NOW - timedelta(seconds=60), usual_s=8.0))
    assert server_words.load_share(LoadView("qwen", None, NOW)) is None


def test_a_download() -> None:
    """Bytes, speed and what is left are said; then it is over."""
    going = DownloadView("qwen", "downloading", 2_000_000_000, 4_000_000_000, 50_000_000)
    assert "downloading · 2.0 GB of 4.0 GB · 50 MB/s · about 40 s left" == server_words.download_words(going)
    assert (0.5, True) == (server_words.download_share(going), server_words.goes_on(going))
    done = DownloadView("qwen", "already_downloaded")
    assert ("already downloaded", None, False) == (
        server_words.download_words(done),
        server_words.download_share(done),
        server_words.goes_on(done),
    )
    assert not server_words.goes_on(replace(going, fault=Fault("silent", "It said nothing")))


def test_the_homes_of_a_model() -> None:
    """The same key in another case is the same model; another quantisation is another one."""
    one, same, other = (ModelInfo(key, key, quantisation=q) for key, q in (("Q", "a"), ("q", "a"), ("q", "b")))
    servers = [replace(SERVER, name=name, models=(m,)) for name, m in (("x", one), ("y", same), ("z", other))]
    assert {("q", "a"): ["x", "y"], ("q", "b"): ["z"]} == server_words.homes(servers)
