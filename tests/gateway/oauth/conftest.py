"""A gateway in the test's own loop, a program on some machine, and people who say yes without a browser."""

import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from starlette.applications import Starlette

from gateway.app import create_app
from gateway.identity.person import Person
from gateway.oauth.codes import CodeGrant
from gateway.oauth.device import GRANT as DEVICE
from gateway.oauth.device import DeviceGrant
from gateway.preflight import load
from gateway.runtime import Runtime

ROOT = "http://127.0.0.1:4000"
REDIRECT = "http://127.0.0.1:51234/callback"
ALICE = Person(user_id="u-1", email="Alice@example.com", source="jwt")
VERIFIER = secrets.token_urlsafe(48)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Company:
    """The gateway, as programs reach it."""

    client: httpx2.AsyncClient
    runtime: Runtime
    reconfigure: Callable[..., None]

    @property
    def devices(self) -> DeviceGrant:
        """Return the grant as the page has it: another object than that of the routes."""
        return DeviceGrant(self.runtime.expiring)

    @property
    def codes(self) -> CodeGrant:
        return CodeGrant(self.runtime.expiring)

    async def post(self, path: str, **form: str) -> httpx2.Response:
        return await self.client.post(path, data=form)

    async def begin(self, **form: str) -> dict[str, Any]:
        begun = await self.post("/oauth/device_authorization", **(form or {"surface": "claude_code"}))
        assert begun.status_code == 200, begun.text
        return dict(begun.json())

    async def poll(self, device_code: str) -> httpx2.Response:
        return await self.post("/oauth/token", grant_type=DEVICE, device_code=device_code)

    async def signed_in(self, person: Person = ALICE, **form: str) -> dict[str, Any]:
        """Return what a program gets after a person's yes."""
        begun = await self.begin(**form)
        assert await self.devices.decide(begun["user_code"], person, None, True)
        told = await self.poll(begun["device_code"])
        assert told.status_code == 200, told.text
        return dict(told.json())

    async def authorize(self, **changed: str | None) -> httpx2.Response:
        asked = {
            "response_type": "code",
            "client_id": "sekisho",
            "redirect_uri": REDIRECT,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "state": "s-1",
        }
        params = {name: value for name, value in {**asked, **changed}.items() if value is not None}
        return await self.client.get("/oauth/authorize", params=params)

    async def code(self, person: Person = ALICE) -> str:
        """Return an authorization code, as the browser brings it to the program."""
        sent = await self.authorize()
        assert sent.status_code == 303, sent.text
        id_ = query_of(sent.headers["location"])["request"]
        decided = await self.codes.decide(id_, person, None, True)
        assert decided
        assert decided[1]
        return decided[1]

    async def redeem(self, code: str, **changed: str) -> httpx2.Response:
        form = {"redirect_uri": REDIRECT, "client_id": "sekisho", "code_verifier": VERIFIER, **changed}
        return await self.post("/oauth/token", grant_type="authorization_code", code=code, **form)

    async def works(self, token: str) -> bool:
        told = await self.client.get("/v1/me", headers={"authorization": f"Bearer {token}"})
        return told.status_code == 200


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def refused(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["error_description"]
    return answer.status_code, answer.json()["error"]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Company]:
    """Run a gateway process of a folder."""
    file = folder / "sekisho.yaml"

    def write(**config: Any) -> None:
        known = {"data_dir": "data", "own_keys": {"most": 3, "longest_days": 30, "requests_per_minute": 99}}
        file.write_text(json.dumps({**known, **config}))

    write()
    runtime = Runtime(load(file, {}))
    app: Starlette = create_app(runtime, file)

    def reconfigure(**config: Any) -> None:
        write(**config)
        runtime.swap(load(file, {}))

    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app, client=("192.0.2.7", 4711))
        async with httpx2.AsyncClient(transport=transport, base_url=ROOT) as client:
            yield Company(client, runtime, reconfigure)


@pytest.fixture
async def company(tmp_path: Path) -> AsyncIterator[Company]:
    async with running(tmp_path) as served:
        yield served
