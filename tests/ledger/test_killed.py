"""`kill -9` of a gateway that is asked, ships and is started again, at eight random moments."""

import json
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random

import httpx2
import pytest

from gateway.ledger.segments import CLOSED, folder
from gateway.ledger.status import status_of
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model
from tests.ledger.ask import ask, configured, started

KILLS, CLIENTS = 8, 4


class Asking:
    """Clients that ask all the time and note whose answers came whole."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self.delivered: list[str] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._forever, args=(n,)) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _forever(self, number: int) -> None:
        body = {"model": "mine", "messages": [{"role": "user", "content": "hi"}], "stream": number % 2 == 0}
        while not self._ended.is_set():
            try:
                headers = {"authorization": f"Bearer {self._key}"}
                with httpx2.Client(base_url=self._url, headers=headers, timeout=10, trust_env=False) as http:
                    while not self._ended.is_set():
                        answer = http.post("/v1/chat/completions", json=body)
                        if answer.status_code == 200 and _whole(answer, bool(body["stream"])):
                            self.delivered.append(answer.headers["x-sekisho-request-id"])
            except httpx2.HTTPError:
                time.sleep(0.01)


def _whole(answer: httpx2.Response, stream: bool) -> bool:
    return answer.text.rstrip().endswith("data: [DONE]") if stream else "choices" in json.loads(answer.text)


@pytest.mark.timeout(900)
def test_what_was_delivered_is_recorded_exactly_once(tmp_path: Path, upstream: tuple[FakeUpstream, str]) -> None:
    random = Random(11)
    settings = {"fsync_seconds": 0.05, "segment_max_seconds": 0.3, "ship_seconds": 0.3}
    gateway = GatewayProcess(tmp_path, {"ledger": settings, "models": [model("mine", deployment(upstream[1]))]})
    key = gateway.key("a")
    started(gateway)
    asking = Asking(gateway.url, key)
    try:
        for _ in range(KILLS):
            time.sleep(random.uniform(0.05, 1.5))
            assert gateway.stop(signal.SIGKILL) == -signal.SIGKILL
            started(gateway)
    finally:
        asking.stop()
        ended = gateway.stop()
    assert ended == 0, gateway.log
    config = configured(tmp_path, **settings)
    before = status_of(config)
    gateway.command("ledger", "ship", "--all")
    after = status_of(config)
    assert before.records_out > 0, "the gateway shipped by itself meanwhile"
    assert not list(folder(config.data_dir).glob(f"*{CLOSED}"))
    recorded = Counter(row[0] for row in ask(config, "SELECT request_id FROM ledger"))
    assert [each for each, times in recorded.items() if times > 1] == []
    assert len(asking.delivered) > 10 * KILLS
    assert set(asking.delivered) <= set(recorded)
    assert after.records_in == after.records_out == sum(recorded.values()) == before.records_in
    assert (after.waiting, after.damaged) == (0, 0)
    undelivered = len(recorded) - len(asking.delivered)
    assert undelivered <= KILLS * CLIENTS * 2, "only answers on their way when it was killed were recorded in vain"
