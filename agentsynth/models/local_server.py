"""The process of a local model: llama.cpp's server, until the parent closes our standard input.

Run as `python -m agentsynth.models.local_server WEIGHTS NAME SLOTS CONTEXT MOST_TOKENS THREADS`.
It writes its URL as one line, and ends with its parent however that ends: a killed process closes
its pipes too.
"""

import os
import signal
import sys
import time
import urllib.error
import urllib.request
from importlib import import_module
from typing import Any

CACHE_MIB = 256
"""Memory for prompts of conversations that are not in a slot now."""

START_S = 90.0


def main() -> None:
    """Serve until standard input ends."""
    weights, name, *numbers = sys.argv[1:]
    slots, context, most_tokens, threads = map(int, numbers)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is the parent's to answer
    told = os.dup(1)
    os.dup2(2, 1)  # what the engine prints is no address
    server = import_module("xllamacpp").Server(
        _parameters(weights, name, slots, context, most_tokens, threads)
    )
    address: str = server.listening_address
    _await_health(address)
    os.write(told, f"{address}\n".encode())
    while os.read(0, 4096):
        pass
    os._exit(0)  # its threads do not wait for requests that nobody reads


def _parameters(
    weights: str, name: str, slots: int, context: int, most_tokens: int, threads: int
) -> Any:
    parameters = import_module("xllamacpp").CommonParams()
    parameters.model.path = weights
    parameters.model_alias = {name}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_parallel = slots
    parameters.n_ctx = slots * context
    parameters.n_predict = most_tokens
    parameters.use_jinja = True
    parameters.ui = False
    parameters.verbosity = -1
    parameters.cache_ram_mib = CACHE_MIB
    for cpu in (parameters.cpuparams, parameters.cpuparams_batch):
        cpu.n_threads = threads
        cpu.poll = 0  # threads that spin for each other starve on a busy machine
    return parameters


def _await_health(address: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    last = time.monotonic() + START_S
    while True:
        try:
            with opener.open(f"{address}/health", timeout=START_S):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > last:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    main()
