"""The application in this process: nothing in it blocks the event loop, and a guard that would see it."""

import json
import sysconfig
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx2
import pytest

import gateway
from gateway.app import create_app
from gateway.identity import key_admin
from gateway.limits.limit import Demand, Limit, Reservation
from gateway.limits.memory import MemoryLimiter
from gateway.preflight import load
from gateway.runtime import Runtime
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.blocking import ALLOWED, nothing_blocks
from tests.fixtures.gateway import deployment, model

InProcess = tuple[httpx2.AsyncClient, str, Runtime]
"""A client of the application, a key, and the application's parts."""

STATUSES = {"mine": 200, "500": 502, "nope": 404}


@pytest.fixture
async def in_process(upstream: tuple[FakeUpstream, str], tmp_path: Path) -> AsyncIterator[InProcess]:
    file = tmp_path / "sekisho.yaml"
    address = upstream[1]
    models = [model("mine", deployment(address)), model("500", deployment(address, "500"))]
    file.write_text(json.dumps({"data_dir": "data", "models": models}))
    runtime = Runtime(load(file, {"PROVIDER_KEY": "sk-provider-of-the-tests"}))
    app = create_app(runtime, file)
    async with app.router.lifespan_context(app):
        _, secret = await key_admin.create(runtime.keys, "tests")
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
            yield client, secret.reveal(), runtime


async def ask(client: httpx2.AsyncClient, key: str, name: str, *, stream: bool) -> int:
    body = {"model": name, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    answer = await client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"})
    return answer.status_code


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", STATUSES)
async def test_a_request_blocks_nobody(in_process: InProcess, name: str, stream: bool) -> None:
    """The guard of all asynchronous tests looks; a block that was caught would change the status."""
    client, key, _ = in_process
    assert await ask(client, key, name, stream=stream) == STATUSES[name]


class _Sleepy(MemoryLimiter):
    async def reserve(self, request_id: str, limits: Sequence[Limit], demand: Demand) -> Reservation:
        time.sleep(0.05)  # noqa: ASYNC251  # what the guard must see
        return await super().reserve(request_id, limits, demand)


@pytest.mark.plants_a_block
async def test_the_guard_sees_a_block_on_the_way_of_a_request(in_process: InProcess) -> None:
    client, key, runtime = in_process
    runtime.limiter = _Sleepy()
    with pytest.raises(AssertionError, match=r"time\.sleep"), nothing_blocks():
        assert await ask(client, key, "mine", stream=False) == 500


@pytest.mark.parametrize(("file", "function"), ALLOWED)
def test_what_may_block_exists(file: str, function: str) -> None:
    folders = (Path(gateway.__file__).parents[1], Path(sysconfig.get_path("platlib")))
    source = next(path for folder in folders if (path := folder / file).exists()).read_text()

    assert f"def {function}(" in source, "an exception that is gone hides a new block of that name"
