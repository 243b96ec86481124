"""Gateways behind nginx, replaced one after the other under load: nobody notices."""

import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.bench import nginx
from tests.fakes.serving import free_port
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model

RESTARTS = 6
CLIENTS = 6
_OPTIONS = "max_fails=0"
"""One that was away for a moment is asked again at once: the next one goes before nginx's ten seconds are over."""


@pytest.fixture
def pair(upstream: tuple[FakeUpstream, str], tmp_path: Path) -> Iterator[list[GatewayProcess]]:
    """Two gateways with the same keys."""
    made = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        config = {"data_dir": str(tmp_path / "data"), "server": {"drain_seconds": 0.5}}
        made.append(GatewayProcess(folder, {**config, "models": [model("m", deployment(upstream[1]))]}).start())
    yield made
    for each in made:
        each.stop()


@pytest.fixture
def balancer(pair: list[GatewayProcess], tmp_path: Path) -> Iterator[str]:
    """The address of an nginx with keep-alive in front of them."""
    port = free_port()
    arguments = nginx.proxy(tmp_path / "nginx", {port: [each.port for each in pair]}, _OPTIONS)
    process = subprocess.Popen(["nginx", *arguments])
    time.sleep(0.5)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


def test_a_rolling_restart_loses_no_request(pair: list[GatewayProcess], balancer: str) -> None:
    key = pair[0].key("rolling")
    over, statuses, wrong = threading.Event(), Counter[int](), list[str]()

    def ask(number: int) -> None:
        headers = {"authorization": f"Bearer {key}"}
        with httpx2.Client(base_url=balancer, headers=headers, timeout=20, trust_env=False) as client:
            while not over.is_set():
                body = {"model": "m", "stream": bool(number % 2), "messages": [{"role": "user", "content": "hi"}]}
                answer = client.post("/v1/chat/completions", json=body)
                statuses[answer.status_code] += 1
                if answer.status_code != 200 or (number % 2 and "[DONE]" not in answer.text):
                    wrong.append(f"{answer.status_code} {answer.text[:200]}")
                time.sleep(0.005)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(RESTARTS):
            time.sleep(0.3)
            assert pair[turn % 2].stop() == 0, pair[turn % 2].log
            pair[turn % 2].start()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert statuses[200] > 100
    assert not any("Traceback" in each.log for each in pair), json.dumps([each.log[-2000:] for each in pair])
