"""`sekisho login`: with a browser of this machine, with a code; kept, renewed, ended; every way it can go wrong."""

import json
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.secret import Secret
from install.client import asking
from install.client.keeping import KeptKey, KeyBox
from install.client.signing_in import device, loopback
from install.client.signing_in.grants import read_server
from install.client.signing_in.renewing import fresh
from install.errors import GatewayError
from tests.coding_tools.tools import refusing_proxy
from tests.console.person import Browser
from tests.fakes.serving import free_port, serving
from tests.fixtures.gateway import InProcess
from tests.install.client.signing_in.conftest import NO_KEYRING, PAGE, Machine, answered

Made = Callable[..., Machine]
BROWSER = Path(__file__).parent / "browser.py"


def works(office: InProcess, key: str) -> bool:
    return httpx2.get(f"{office.url}/v1/me", headers={"authorization": f"Bearer {key}"}, timeout=30).status_code == 200


def by_code(machine: Machine, office: InProcess, alice: Browser, decision: str = "yes", *more: str) -> tuple[int, str]:
    """Sign in with a code; return exit code and what was told."""
    process = machine.start("login", office.url, "--device", *more)
    assert process.stderr
    line = process.stderr.readline()
    found = re.search(r"[A-Z]{4}-[A-Z]{4}", line)
    assert found, line
    assert f"{office.url}{PAGE}" in line
    answered(alice, alice.get(f"{PAGE}?code={found[0]}"), decision)
    out, err = process.communicate(timeout=60)
    assert out == ""
    return process.returncode, err


def kept(machine: Machine) -> dict[str, str]:
    return dict(json.loads((machine.home / ".config/sekisho/keys.json").read_text()))


def end_soon(machine: Machine, name: str, seconds: float) -> None:
    """Let a kept key end after so many seconds, as the machine knows."""
    file = machine.home / ".config/sekisho/gateways.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), name: time.time() + seconds}))


def test_with_a_code(machine: Made, office: InProcess, alice: Browser) -> None:
    mine = machine()
    code, told = by_code(mine, office, alice)
    assert (code, "alice@example.com" in told) == (0, True), told
    files = [path for path in (mine.home / ".config/sekisho").iterdir() if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    code, key, told = mine.run("key")
    assert (code, told) == (0, "")
    assert works(office, key.strip())
    code, out, told = mine.run("logout")
    assert (code, out, "Signed out" in told) == (0, "", True)
    assert not works(office, key.strip()), "at the gateway, too"
    assert mine.run("key")[0] == 2
    assert mine.run("logout", office.url)[0] == 0, "twice"
    code, _, told = mine.run("logout")
    assert (code, told.strip()) == (0, "No sign-in is kept."), told


def test_with_a_browser(machine: Made, office: InProcess, alice: Browser) -> None:
    cookie = alice.http.cookies["sekisho-session"]
    mine = machine(BROWSER=f"{sys.executable} {BROWSER} {cookie} yes %s")
    code, out, told = mine.run_apart("login", office.url)
    assert (code, out) == (0, ""), told
    assert "Signed in" in told
    assert works(office, mine.run("key", office.url)[1].strip())


def test_a_no_is_told(machine: Made, office: InProcess, alice: Browser) -> None:
    code, told = by_code(machine(), office, alice, "no")
    assert code == 1
    assert told.splitlines()[-1].startswith("error: Somebody answered no in the browser. Sign in again")
    cookie = alice.http.cookies["sekisho-session"]
    code, _, told = machine(BROWSER=f"{sys.executable} {BROWSER} {cookie} no %s").run(
        "login", office.url, "--lang", "ja"
    )
    assert code == 1
    assert "ブラウザーで許可されませんでした。" in told
    assert "The person" not in told


def test_tools_get_what_they_need(machine: Made, office: InProcess, alice: Browser) -> None:
    mine = machine()
    assert by_code(mine, office, alice)[0] == 0
    first = mine.run("key")[1].strip()
    for tool in ("claude-code", "codex", "opencode"):
        code, _, told = mine.run("client", tool, "--write")
        assert code == 0, told
    assert first not in "".join(path.read_text() for path in mine.home.glob(".c[lo]*/*") if path.is_file())
    settings = json.loads((mine.home / ".claude/settings.json").read_text())
    assert settings["apiKeyHelper"].endswith(f"key {office.url}")
    config = json.loads((mine.home / ".config/opencode/opencode.json").read_text())
    own = config["provider"]["sekisho"]["options"]["apiKey"]
    assert own != first, "the other one ends within hours"
    assert works(office, own)
    assert "everything is there already" in mine.run("client", "opencode", "--write")[1]
    assert mine.run("key", "--for", "opencode")[1].strip() == own
    shown = mine.run("client", "cline")[1]
    assert own[-4:] not in shown
    assert sorted(kept(mine)) == sorted([office.url, f"{office.url}#opencode"]), "printing makes no key"
    assert mine.run("logout")[0] == 0
    assert not works(office, own)


def test_a_key_is_renewed_before_it_ends(machine: Made, office: InProcess, alice: Browser) -> None:
    mine = machine()
    assert by_code(mine, office, alice)[0] == 0
    first = mine.run("key")[1]
    assert mine.run("key")[1] == first
    end_soon(mine, office.url, 60)
    second = mine.run("key")[1]
    assert second != first
    assert works(office, second.strip())
    assert mine.run("key")[1] == second
    end_soon(mine, office.url, -60)
    third = mine.run("key")[1]
    assert third not in (first, second)


def test_two_that_renew_at_once_do_it_once(machine: Made, office: InProcess, alice: Browser) -> None:
    mine = machine()
    assert by_code(mine, office, alice)[0] == 0
    end_soon(mine, office.url, 60)
    with ThreadPoolExecutor(3) as pool:
        printed = list(pool.map(lambda _: mine.run_apart("key"), range(3)))
    assert {code for code, _, _ in printed} == {0}
    assert len({key for _, key, _ in printed}) == 1
    assert works(office, printed[0][1].strip())


def test_a_sign_in_that_was_withdrawn_says_so(machine: Made, office: InProcess, alice: Browser) -> None:
    mine = machine()
    assert by_code(mine, office, alice)[0] == 0
    headers = {"authorization": f"Bearer {mine.run('key')[1].strip()}"}
    id_ = httpx2.get(f"{office.url}/v1/me", headers=headers, timeout=30).json()["key"]["id"]
    assert httpx2.delete(f"{office.url}/v1/me/keys/{id_}", headers=headers, timeout=30).status_code == 200
    end_soon(mine, office.url, 60)
    code, out, told = mine.run("key")
    assert (code, out) == (1, "")
    assert told.splitlines() == [
        f"error: Your sign-in at {office.url} has ended. Sign in again: `sekisho login {office.url}`."
    ]
    assert mine.run("key")[0] == 2, "and is forgotten"


def test_while_the_gateway_is_away_the_old_key_is_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", NO_KEYRING["PYTHON_KEYRING_BACKEND"])
    root, box = f"http://127.0.0.1:{free_port()}", KeyBox(tmp_path)
    box.keep(KeptKey(root, Secret("sk-kept-1234"), time.time() + 60, Secret("sr-a.b")))
    assert fresh(box, root) == box.find(root)
    box.keep(KeptKey(root, Secret("sk-kept-1234"), time.time() - 60, Secret("sr-a.b")))
    with pytest.raises(GatewayError, match="Nothing answers"):
        fresh(box, root)
    assert box.find(root), "it may be renewed later"


@contextmanager
def pretending(*routes: Route) -> Iterator[str]:
    with serving(Starlette(routes=list(routes))) as address:
        yield address


@pytest.mark.parametrize("arguments", [("--device",), ()])
def test_a_wrong_address_is_one_line(machine: Made, arguments: tuple[str, ...]) -> None:
    async def page(_: Request) -> Response:
        return PlainTextResponse("<html>")

    with pretending(Route("/{path:path}", page)) as address:
        code, _, told = machine().run("login", address, *arguments)
    assert (code, len(told.splitlines())) == (1, 1)
    assert "answers, but not as a gateway" in told
    code, _, told = machine().run("login", f"http://127.0.0.1:{free_port()}", *arguments)
    assert (code, len(told.splitlines()), "Nothing answers" in told) == (1, 1, True)
    for nonsense in ("nonsense", "ftp://x", "https://user:pass@x"):
        code, _, told = machine().run("login", nonsense, *arguments)
        assert (code, len(told.splitlines())) == (2, 1), told


def test_a_proxy_that_refuses_is_named(machine: Made) -> None:
    with refusing_proxy() as (proxy, refused):
        ways = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "http_proxy": proxy, "https_proxy": proxy}
        code, _, told = machine(**ways).run("login", "https://gateway.invalid")
    assert refused
    assert (code, len(told.splitlines())) == (1, 1)
    assert proxy in told
    assert "NO_PROXY" in told


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_policy_is_one_line_with_the_remedy(machine: Made, tmp_path_factory: pytest.TempPathFactory, lang: str) -> None:
    from tests.fixtures.gateway import in_process

    with in_process(tmp_path_factory.mktemp("closed"), {"models": []}) as closed:
        for way in ("--device",), ():
            code, _, told = machine().run("login", closed.url, *way, "--lang", lang)
            assert (code, len(told.splitlines())) == (1, 1), told
            assert ("管理者に依頼" if lang == "ja" else "administrator") in told


ANSWERS = [
    {},
    [],
    {"access_token": 1},
    {"access_token": "", "expires_in": 60},
    {"access_token": "sk-\nx", "expires_in": 60},
    {"access_token": "sk-good-1234", "expires_in": "soon"},
    {"error": 7},
    {"error": "x" * 100_000},
]


@pytest.mark.parametrize("content", ANSWERS, ids=str)
def test_odd_answers_keep_nothing(content: object) -> None:
    async def begin(_: Request) -> Response:
        return JSONResponse({"device_code": None, "interval": -5, "expires_in": 1e99, "user_code": "\x1b[31m"})

    async def token(_: Request) -> Response:
        return JSONResponse(content)

    told: list[str] = []
    routes = (
        Route("/oauth/device_authorization", begin, methods=["POST"]),
        Route("/oauth/token", token, methods=["POST"]),
    )
    with pretending(*routes) as address, asking.client(address) as http, pytest.raises(GatewayError) as raised:
        device.sign_in(http, told.append)
    assert "\x1b" not in told[0]
    assert len(str(raised.value)) < 2000


@pytest.mark.parametrize(
    "page", ["javascript:alert(1)", "file:///etc/passwd", "https://", "http://x/\x1b[31m", "http://x/ y", "", None, 7]
)
def test_no_browser_opens_what_is_no_page(page: object) -> None:
    async def metadata(request: Request) -> Response:
        return JSONResponse({"issuer": "x", "authorization_endpoint": page})

    route = Route("/.well-known/oauth-authorization-server", metadata)
    with pretending(route) as address, asking.client(address) as http, pytest.raises(GatewayError):
        read_server(http)


def test_others_cannot_bring_a_code(office: InProcess, alice: Browser) -> None:
    """What comes to the port without our state, or from another server, is turned away; the browser comes after it."""
    statuses: list[int] = []
    pool = ThreadPoolExecutor(1)

    def browse(address: str) -> None:
        port = re.search(r"127\.0\.0\.1%3A(\d+)", address)
        state = re.search(r"state=([^&]+)", address)
        assert port
        assert state
        here = f"http://127.0.0.1:{port[1]}"
        for path in (
            "/",
            "/signed-in",
            "/signed-in?code=evil&state=evil",
            f"/signed-in?code=evil&state={state[1]}",
            f"/signed-in?code=evil&state={state[1]}&iss=https%3A%2F%2Fevil.example",
            f"/other?code=evil&state={state[1]}",
            "/signed-in?" + "x" * 9000,
        ):
            statuses.append(httpx2.get(f"{here}{path}", timeout=30).status_code)
        from tests.install.client.signing_in.browser import main

        main(alice.http.cookies["sekisho-session"], "yes", address)

    def opening(address: str) -> bool:
        opened.append(pool.submit(browse, address))
        return True

    opened: list[object] = []
    with asking.client(office.url) as http, pool:
        granted = loopback.sign_in(http, read_server(http), lambda text: None, opening)
    assert granted
    assert set(statuses) == {404}
    assert works(office, granted.key.reveal())


@pytest.mark.parametrize(
    ("environment", "platform", "seen"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "w"}, "linux", True),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "x"}, "linux", False),
        ({"SSH_TTY": "x"}, "darwin", False),
        ({}, "darwin", True),
        ({}, "win32", True),
        ({"BROWSER": "lynx", "SSH_TTY": "x"}, "linux", True),
    ],
)
def test_a_browser_is_opened_where_it_is_seen(environment: dict[str, str], platform: str, seen: bool) -> None:
    assert loopback.has_display(environment, platform) is seen


def test_without_a_browser_there_is_a_code(machine: Made, office: InProcess, alice: Browser) -> None:
    process = machine().start("login", office.url)
    assert process.stderr
    found = re.search(r"[A-Z]{4}-[A-Z]{4}", process.stderr.readline())
    assert found
    answered(alice, alice.get(f"{PAGE}?code={found[0]}"), "yes")
    assert process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.parametrize("text", ['{"key": 1}', '{"key"', '{"renewal": "x"}', '{"key": {"key": "x"}}'])
def test_a_broken_secret_is_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", NO_KEYRING["PYTHON_KEYRING_BACKEND"])
    (tmp_path / "gateways.json").write_text('{"http://gw": null}')
    (tmp_path / "keys.json").write_text(json.dumps({"http://gw": text}))
    assert KeyBox(tmp_path).find("http://gw") is None
