"""llama.cpp's OpenAI-compatible server: `python -m install.embedded.chat_model FILE PORT`."""

import os
import signal
import sys

import xllamacpp

CONTEXT = 8192
"""Tokens; what SmolLM2 was trained for."""
LONGEST_ANSWER = 1024
"""Tokens. So small a model sometimes repeats itself until its context is full, with every core."""
SLOTS = 2
"""Answers at the same time: a title must not wait behind an answer for ever."""


def main(file: str, port: int) -> None:
    """Serve until told to stop."""
    params = xllamacpp.CommonParams()
    params.model.path = file
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = CONTEXT * SLOTS
    params.n_parallel = SLOTS
    params.n_predict = LONGEST_ANSWER
    params.cpuparams.n_threads = os.cpu_count() or 2
    server = xllamacpp.Server(params)
    print(f"listening on {server.listening_address}", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main(sys.argv[1], int(sys.argv[2]))
