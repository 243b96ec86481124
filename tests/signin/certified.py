"""The certified server of npm `oidc-provider`, and a browser that signs in there."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.coding_tools import tools
from tests.console.person import Browser
from tests.mcp import node

FOLDER = Path(__file__).parent
ACTION = re.compile(r'<form[^>]* action="([^"]+)"')


def _installed() -> None:
    if not (FOLDER / "node_modules" / "oidc-provider").exists():
        problem = tools.install(FOLDER)
        if problem:
            pytest.skip(
                f"oidc-provider is missing; to mend it: cd tests/signin && {' '.join(tools.INSTALL)} ({problem})"
            )


@contextmanager
def certified(client: Mapping[str, Any], people: Mapping[str, Any], *, thin: bool) -> Iterator[str]:
    """Run the server; gives its address. `thin`: claims stand in the user info alone, as the standard has it."""
    _installed()
    started = subprocess.Popen(
        [str(node.node()), str(FOLDER / "provider.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert started.stdin
    assert started.stdout
    try:
        started.stdin.write(json.dumps({"clients": [client], "people": people, "thin": thin}) + "\n")
        started.stdin.flush()
        yield str(json.loads(started.stdout.readline())["issuer"])
    finally:
        started.kill()
        started.wait()
        started.stdin.close()
        started.stdout.close()


class AtProvider:
    """The same person's browser at the provider."""

    def __init__(self) -> None:
        limits = httpx2.Limits(max_keepalive_connections=0)
        self.http = httpx2.Client(timeout=60, trust_env=False, limits=limits)

    def sign_in(self, url: str, login: str, back: str) -> str:
        """Sign in at an address, agree, and return where the provider leads to then: an address that begins so."""
        answer = self.http.get(url)
        for _ in range(12):
            if answer.is_redirect:
                location = str(answer.next_request.url) if answer.next_request else ""
                if location.startswith(back):
                    return location
                answer = self.http.get(location)
                continue
            found = ACTION.search(answer.text)
            assert found, answer.text
            fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
            answer = self.http.post(found[1], data={**fields, "login": login, "password": "x"})
        raise AssertionError("the provider never leads back")


def path_of(location: str, browser: Browser) -> str:
    """Return the path of an address at our gateway."""
    assert location.startswith(browser.url), location
    return location.removeprefix(browser.url)
