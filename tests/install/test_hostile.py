"""Odd manifests, receipts and answers end in one line that names the remedy, never in a traceback."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from gateway.secret import Secret
from install.errors import InstallError, ManifestError, OpenWebUIError, Refused
from install.open_webui import Token, connect
from install.open_webui.http import Http
from install.pack.engine.receipts import Receipts
from install.pack.manifest import Manifest, read_manifest
from install.pack.manifest.entries import ModelEntry
from tests.fixtures.open_webui import OpenWebUIServer
from tests.install.conftest import Pack, serve

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("models: all\n\x07\n", "has a control character"),
        ('default_model: "a\\x07b"\n', "2: default_model: has a control character in it"),
        ('filters: [{name: x, valves: {a: "\\ud800"}}]\n', "has a control character in it"),
        ('filters: [{name: x, valves: {a: "\\0"}}]\n', "has a control character in it"),
        ("filters: !!python/object/apply:os.system [ls]\n", "filters: has the tag"),
        ("filters:\n  - !secret x\n", "3: filters.0: has the tag !secret"),
        ("filters: !!set {a, b}\n", "filters: "),
        ("filters: !!binary aGVsbG8=\n", "filters: "),
        ("models: " + "[" * 60 + "]" * 60 + "\n", "is nested too deeply"),
        ("models: " + "[" * 5000 + "]" * 5000 + "\n", "is nested too deeply"),
        (BOMB, "too many values"),
        ("models: &a [*a]\n", "models.0: "),
        ("x: 1\n" * 2, "not YAML"),
        ("filters: [{name: x, valves: {a: .nan}}]\n", "filters.0.valves.a: is no number that can be stored"),
        ("filters: [{name: x, valves: {a: -.inf}}]\n", "is no number that can be stored"),
        (f"filters: [{{name: x, valves: {{a: {'9' * 30}}}}}]\n", "is no number that can be stored"),
        (f"filters: [{{name: x, valves: {{a: {'9' * 6000}}}}}]\n", "cannot be read"),
        ("filters: [{name: x, valves: {a: 2026-01-01}}]\n", "put it between quotes"),
        ("1: x\n", "has a key that is no text"),
        ("? [a, b]\n: x\n", "has a key that is no text"),
        ("filters:\n  - &b {name: x}\n  - {<<: *b, valvs: {}}\n", "4: filters.1.valvs: unknown key"),
        ("models: 'x\n", "not YAML"),
        ("a\n---\nb\n", "not YAML"),
        ("models: all # " + "x" * 1_000_001, "is too large"),
    ],
)
def test_odd_manifests(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(f"# A manifest.\n{text}")
    with pytest.raises(ManifestError) as wrong:
        read_manifest(path)
    assert says in str(wrong.value)
    assert len(str(wrong.value)) < 1200


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00" * 10, b"models: \xc3", b"%YAML 9.9\n---\na: 1\n"])
def test_bytes_that_are_no_yaml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(ManifestError):
        read_manifest(path)


def test_ordinary_forms_still_work(tmp_path: Path) -> None:
    path = tmp_path / "fine.yaml"
    path.write_text(
        "\ufeffmodels: [あ]\nfilters:\n  - &f {name: x, valves: {a: 1, b: 1.5, c: true, d: [1], e: '多\\n行'}}\n"
    )
    assert read_manifest(path).models == (ModelEntry(name="あ"),)


RECEIPT = [
    {"command": "apply", "at": "2026-01-01T00:00:00+00:00", "open_webui": "0.12.4"},
    {
        "kind": "filter",
        "id": "x",
        "action": "new",
        "leaves": [{"path": ["valves", "a"], "after": {"あ": "b"}}],
        "creates": True,
    },
    {"done": 0},
    {"end": True},
]


def test_a_receipt_cut_anywhere_is_an_interruption(tmp_path: Path) -> None:
    folder = tmp_path / "receipts"
    folder.mkdir()
    whole = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in RECEIPT).encode()
    path = folder / "0001-apply-20260101T000000Z.jsonl"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        (receipt,) = Receipts(tmp_path).all()
        assert len(receipt.steps) == (b'"creates": true}' in whole[:length])


@pytest.mark.parametrize(
    "text",
    [
        "no receipt\n",
        "[]\n",
        "null\n",
        '{"command": 1}\n',
        json.dumps(RECEIPT[0]) + '\n{"done": 7}\n',
        json.dumps(RECEIPT[0]) + '\n{"done": "x"}\n',
        json.dumps(RECEIPT[0]) + '\n{"kind": "filter"}\n',
        json.dumps(RECEIPT[0]) + '\n{"kind": "filter", "id": "x", "action": "a", "leaves": 5}\n',
        json.dumps(RECEIPT[0]) + '\n{"kind": "filter", "id": "x", "action": "a", "leaves": [{"path": 5}]}\n',
        json.dumps(RECEIPT[0]) + "\n5\n",
        json.dumps(RECEIPT[0]) + "\n" + "[" * 100_000 + "\n",
    ],
)
def test_odd_receipts(tmp_path: Path, text: str) -> None:
    (tmp_path / "receipts").mkdir()
    (tmp_path / "receipts" / "0001-apply-20260101T000000Z.jsonl").write_text(text)
    with pytest.raises(InstallError, match="--state"):
        Receipts(tmp_path).known()


@pytest.mark.parametrize("text", ["[]", "5", '{"values": 5}', '{"values": {"a": 5}}', "[" * 100_000, "\x00"])
def test_odd_secrets(tmp_path: Path, text: str) -> None:
    (tmp_path / "secrets.json").write_text(text)
    with pytest.raises(InstallError, match="cannot be used"):
        Receipts(tmp_path)


def test_filters_that_are_not_there(pack: Pack, tmp_path: Path, server: OpenWebUIServer) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("models: all\ndefault_filters: [nowhere]\nfilters: [sekisho_greeting]\n")
    with pytest.raises(ManifestError, match=r"own\.yaml:2: .*no filter nowhere. Allowed: .*sekisho_greeting"):
        pack.plan(read_manifest(path))
    path.write_text("models:\n  - gemma-3-27b\n  - {name: claude-sonnet, default_filters: [nowhere]}\n")
    with pytest.raises(ManifestError, match=r"own\.yaml:3: .*no filter nowhere"):
        pack.plan(read_manifest(path))
    assert pack.plan(Manifest(default_filters=())).pending


PAGE = "<!DOCTYPE html><html><head><title>502 Bad\n Gateway</title></head><body>" + "<p>x</p>" * 2000 + "</body></html>"
ANSWERS: dict[str, Callable[[], Response]] = {
    "/page": lambda: HTMLResponse(PAGE, 502),
    "/page200": lambda: HTMLResponse(PAGE),
    "/bytes": lambda: Response(b"\xff\xfe{", 200, media_type="application/json"),
    "/bytes500": lambda: Response(b"\xff\xfe{", 500, media_type="application/json"),
    "/deep": lambda: Response("[" * 100_000, 200, media_type="application/json"),
    "/list": lambda: JSONResponse({"detail": [5, {"msg": "no"}, {"loc": 5}]}, 422),
    "/empty": lambda: Response(b"", 503),
    "/date": lambda: JSONResponse({}, headers={"date": "yesterday"}),
}


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    async def answer(request: Request) -> Response:
        return ANSWERS[request.url.path]()

    yield from serve(Starlette(routes=[Route(path, answer) for path in ANSWERS]), date_header=False)


@pytest.mark.parametrize(
    ("path", "error", "says"),
    [
        ("/page", Refused, "with 502: a page, '502 Bad Gateway', from a proxy before Open WebUI"),
        ("/page200", OpenWebUIError, "/page200 is a page, '502 Bad Gateway' instead of JSON"),
        ("/bytes", OpenWebUIError, "/bytes is text instead of JSON"),
        ("/bytes500", Refused, "with 500"),
        ("/deep", OpenWebUIError, "/deep is text"),
        ("/list", Refused, "with 422: 5; ?: no; ?: not accepted"),
        ("/empty", Refused, "with 503: no reason given"),
    ],
)
def test_odd_answers(proxy: str, path: str, error: type[InstallError], says: str) -> None:
    with Http(proxy) as http, pytest.raises(error) as told:
        http.get(path)
    assert says in str(told.value)
    assert "<" not in str(told.value)


def test_a_date_that_is_none(proxy: str) -> None:
    with Http(proxy) as http:
        assert http.get("/date") == {}
        assert http.server_time() is None


def test_the_doctor_leaves_empty_settings_empty(server: OpenWebUIServer) -> None:
    body = {"name": "Doctor", "email": "doctor@example.com", "password": "a-good-password-1", "role": "admin"}
    token = server.request("POST", "/api/v1/auths/add", body)["token"]

    def settings() -> object:
        return server.request("GET", "/api/v1/users/user/settings", token=token)

    before = settings()
    with connect(server.url, Token(Secret(token))) as client:
        assert client.paths.encrypts_valves("sekisho_greeting") is None
    assert settings() == before
