"""Redis goes away and comes back while a gateway is under load."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model
from tests.limits.conftest import RedisServer

PRICE = {"input": 3.0, "output": 15.0, "cached_input": 0.3}
COST = 7 * 3000 + 4 * 300 + 7 * 15000
BODY = {"model": "paid", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 10}


class Load:
    """Four callers, one request after the other; `seen` counts what came."""

    def __init__(self, gateway: GatewayProcess, key: str) -> None:
        self._gateway, self._key = gateway, key
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.seen: Counter[tuple[int, str]] = Counter()

    @contextmanager
    def running(self) -> Iterator["Load"]:
        threads = [threading.Thread(target=self._call) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def until(self, enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not enough():
            assert time.monotonic() < deadline, (self.seen, self._gateway.log)
            time.sleep(0.05)

    def more(self, status: int, code: str = "", count: int = 20) -> None:
        """Wait until so many more answers of this kind came."""
        before = self.seen[status, code]
        self.until(lambda: self.seen[status, code] >= before + count)

    def _call(self) -> None:
        headers = {"authorization": f"Bearer {self._key}"}
        with httpx2.Client(base_url=self._gateway.url, headers=headers, timeout=60, trust_env=False) as client:
            while not self._stop.is_set():
                answer = client.post("/v1/chat/completions", json=BODY)
                code = "" if answer.status_code == 200 else answer.json()["error"]["code"]
                assert answer.status_code == 200 or answer.headers["retry-after"]
                with self._lock:
                    self.seen[answer.status_code, code] += 1


@pytest.mark.parametrize(
    ("failure", "status", "code"), [("fail_open", 200, ""), ("fail_closed", 503, "limits_unavailable")]
)
def test_redis_goes_and_comes_back_under_load(
    failure: str,
    status: int,
    code: str,
    upstream: tuple[FakeUpstream, str],
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    config = {
        "shared_state": redis_server.url,
        "shared_state_failure": failure,
        "models": [model("paid", deployment(upstream[1]), price=PRICE)],
    }
    gateway = GatewayProcess(tmp_path, config).start()
    key = gateway.key("load", "--budget-usd", "100", "--budget-per", "month")
    load = Load(gateway, key)
    with load.running():
        load.more(200)
        redis_server.stop()
        load.until(lambda: "is away" in gateway.log)
        load.more(status, code)
        redis_server.start()
        load.until(lambda: "is back after" in gateway.log)
        load.more(200)
    assert sum(count for (seen, _), count in load.seen.items() if seen not in {200, 503}) == 0
    headers = {"authorization": f"Bearer {key}"}
    used = -1.0
    deadline = time.monotonic() + 30
    spent = sum(record.cost_nano_usd or 0 for record in gateway.records())
    while used != spent / 1e9:
        assert time.monotonic() < deadline, (used, spent)
        answer = httpx2.get(f"{gateway.url}/v1/me", headers=headers, timeout=20, trust_env=False)
        used = answer.json()["limits"][0]["used"]
        time.sleep(0.1)
    assert spent == COST * load.seen[200, ""]
    gateway.stop()
