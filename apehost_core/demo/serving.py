"""The demo engine's process: `python -m apehost_core.demo.serving`, started by `engine.py` only.

It reads one JSON line (`Order`) from its standard input, serves on a port of the loopback interface, and says where
with one JSON line (`Ready`). When its standard input ends it ends too: however the app goes, it leaves
nothing behind. SIGTERM keeps its default meaning; a handler in Python would not run while llama.cpp works.
"""

# xllamacpp is compiled and brings no types.
# pyright: basic, reportMissingTypeStubs=false, reportAttributeAccessIssue=false

import os
import sys

import xllamacpp

from apehost_core.demo.orders import Order, Ready

_CONTEXT = 8192  # what the model was trained for, shared by the answers that are written at a time
_HTTP_THREADS = 4
_TEMPERATURE = 0.4  # a model this small babbles at the usual 0.8
_REPEAT_PENALTY = 1.1  # and it goes in circles
_MOST_TOKENS = 1024
_BATCH = 128  # tokens of a prompt that are read in one go; only between two goes a stop is noticed
_QUIET = 0


def serve(order: Order) -> None:
    """Load the model, say where it is served, and wait for the end of the standard input."""
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever llama.cpp prints is no answer
    server = xllamacpp.Server(_parameters(order))
    ready = Ready(url=server.listening_address, version=xllamacpp.__version__)
    os.write(answers, ready.model_dump_json().encode() + b"\n")
    sys.stdin.read()
    os._exit(0)  # at once, also in the middle of an answer


def _parameters(order: Order) -> xllamacpp.CommonParams:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = order.model
    parameters.model_alias = {order.name}
    parameters.api_keys = [order.key]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = order.port
    parameters.cors_origins = ""
    parameters.offline = True
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.use_jinja = True
    parameters.n_ctx = _CONTEXT
    parameters.n_parallel = order.parallel
    parameters.n_batch = _BATCH
    parameters.n_ubatch = _BATCH
    parameters.n_gpu_layers = 0
    parameters.n_threads_http = _HTTP_THREADS
    parameters.cpuparams.n_threads = order.threads
    parameters.cpuparams_batch.n_threads = order.threads
    parameters.n_predict = _MOST_TOKENS
    parameters.sampling.temp = _TEMPERATURE
    parameters.sampling.penalty_repeat = _REPEAT_PENALTY
    parameters.verbosity = _QUIET
    return parameters


if __name__ == "__main__":
    serve(Order.model_validate_json(sys.stdin.readline()))
