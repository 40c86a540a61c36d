"""An LM Studio that can be run anywhere and fails in all the real ways: for tests, benches and trying things out.

    python -m apehost_core.testing.simulator --port 1234 --tokens-per-s 40
    python -m apehost_core.testing.simulator --port 1234 --port 1235 --model small --model large:20 --auto-evict

In tests it is an ASGI app (`Simulator().app`), a real server on loopback (`with serve(simulator) as url`), or a
computer that can be unplugged (`with machines(one, other) as (pc, mini)`). What it was asked, and when callers went
away, is in `Simulator.calls`, and for other processes at GET /simulator/calls.
"""

import argparse
import signal
import threading
from types import FrameType
from typing import get_args

from apehost_core.testing.answers import Ending, Refusal
from apehost_core.testing.machine import Machine, machines, serve
from apehost_core.testing.memory import Broken, SimInstance, SimLoad
from apehost_core.testing.models import SimModel
from apehost_core.testing.server import Simulator
from apehost_core.testing.state import Call, Trouble

__all__ = [
    "Broken",
    "Call",
    "Machine",
    "SimInstance",
    "SimLoad",
    "SimModel",
    "Simulator",
    "Trouble",
    "machines",
    "main",
    "serve",
]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted, as the arguments say.

    Args:
        arguments: None takes those of the process.
    """
    asked = parser().parse_args(arguments)
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with machines(*simulators(asked), ports=tuple(asked.port or [1234])):
        stopped.wait()


def simulators(asked: argparse.Namespace) -> list[Simulator]:
    """Return one simulator for each port that is asked for."""
    words = tuple(f"word{number} " if number % 12 else f"word{number}.\n\n" for number in range(1, asked.tokens + 1))
    models = [
        SimModel(
            key,
            words=words,
            tokens_per_s=asked.tokens_per_s,
            first_token_s=asked.first_token_s,
            load_s=asked.load_s if load_s is None else load_s,
        )
        for key, load_s in asked.model or [("sim-model", None)]
    ]
    made = [
        Simulator(*models, token=asked.token, jit=asked.jit, auto_evict=asked.auto_evict, fits=asked.fits)
        for _ in asked.port or [1234]
    ]
    for simulator in made:
        simulator.fault, simulator.trouble = asked.fault, asked.trouble
    return made


def parser() -> argparse.ArgumentParser:
    """Return what reads the arguments."""
    faults = [*get_args(Refusal), *get_args(Ending)]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, action="append", help="default 1234; several: a server on each")
    parser.add_argument("--model", type=_model, action="append", help="KEY or KEY:LOAD_S; several times for several")
    parser.add_argument("--tokens-per-s", type=float, default=40, help="0: as fast as it goes")
    parser.add_argument("--tokens", type=int, default=200, help="length of an answer")
    parser.add_argument("--first-token-s", type=float, default=0.2)
    parser.add_argument("--load-s", type=float, default=0, help="the first request waits for the model")
    parser.add_argument("--jit", action=argparse.BooleanOptionalAction, default=True, help="requests load models")
    parser.add_argument("--auto-evict", action="store_true", help="loading for a request drops what others loaded")
    parser.add_argument("--fits", type=int, help="most models in memory")
    parser.add_argument("--token", help="ask for this API token")
    parser.add_argument("--fault", choices=faults, help="what goes wrong with every answer")
    parser.add_argument("--trouble", choices=get_args(Trouble), help="what goes wrong with every request")
    return parser


def _model(given: str) -> tuple[str, float | None]:
    """Return the key, and the seconds of a load where they are said: a key may have colons of its own."""
    key, _, load_s = given.rpartition(":")
    try:
        return (key, float(load_s)) if key else (given, None)
    except ValueError:
        return given, None


if __name__ == "__main__":
    main()
