"""Whatever a configuration file holds: an error with file and line, within bounds; a running gateway outlives it."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from gateway.config.changes import check_change
from gateway.config.load import Loaded
from gateway.config.yaml_file import LARGEST_FILE
from gateway.errors import ConfigError
from gateway.preflight import load, load_startable
from gateway.secret import Secret
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model

ONE = "models:\n  - name: a\n    deployments: [{provider: vllm, base_url: 'http://gpu:8000/v1', model: m}]\n"
LONG = "0123456789abcdef0123456789abcdef"


def loaded(folder: Path, text: str | bytes, **environ: str) -> Loaded:
    file = folder / "sekisho.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return load(file, environ)


def refusal(folder: Path, text: str | bytes, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, **environ)
    return str(caught.value)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGE_BOMB = "a: &a {x: 1}\n" + "".join(
    f"{after}: &{after} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE: list[tuple[str | bytes, str]] = [
    ("", "sekisho.yaml:1: holds no configuration"),
    ("# nothing\n\n", "sekisho.yaml:1: holds no configuration"),
    ("---\n...\n", "sekisho.yaml:1: holds no configuration"),
    ("include: 5\n", "sekisho.yaml:1: include: must be a list of files"),
    ("\ninclude: more.yaml\n", "sekisho.yaml:2: include: must be a list of files"),
    ("include: [[a]]\n", "sekisho.yaml:1: include: must be the path"),
    ("include:\n- null\n", "sekisho.yaml:2: include: must be the path"),
    ("include: [sekisho.yaml]\n", "included twice"),
    ("include: ['.']\n", "cannot be read (Is a directory)"),
    ("include: [fifo]\n", "fifo: is not a regular file"),
    ("include: [loop]\n", "not a path of a file"),
    ("include: [large.yaml]\n", f"large.yaml: is larger than {LARGEST_FILE:,} bytes"),
    ('include: ["a\\0b"]\n', "not a path of a file"),
    ("a: \0\n", "sekisho.yaml:1: not valid YAML"),
    (b"server:\n  host: \xff\n", "sekisho.yaml:2: cannot be read: it is not UTF-8"),
    ("a: " + "[" * 3000 + "]" * 3000 + "\n", "nested"),
    ("a: " + "[" * 100 + "]" * 100 + "\n", "nested deeper"),
    ("a: &a [*a]\n", "nested deeper"),
    ("a: &a {<<: *a}\n", "nested deeper"),
    (BOMB, "more than 200,000 values"),
    (MERGE_BOMB, "more than 200,000 values"),
    ("server: {<<: 5}\n", "<<: must name mappings"),
    ("server:\n  <<: {port: lots}\n", "sekisho.yaml:2: server.port: input should be a valid integer"),
    ("server: {port: 1, port: 2}\n", "the same key is written twice"),
    ("server: {port: " + "9" * 5000 + "}\n", "not a number that can be read"),
    ("server: {port: !!int abc}\n", "not a number that can be read"),
    ("server: {host: !!binary AAAA}\n", "the tag 'tag:yaml.org,2002:binary' is not allowed"),
    ("? [a, b]\n: x\n", "a key must be text"),
    ("a: 1\n---\nb: 2\n", "not valid YAML"),
    ("server: {host: '${a-b}'}\n", "'${' begins no variable"),
    ('data_dir: "a\\0b"\n', "data_dir: has a character that no path should have"),
    (ONE + "    available: {from: 2026-13-45}\n", "sekisho.yaml:4: models.0.available.from: input should be a valid"),
    (ONE + "    available: {from: 2026-05-05, until: 2026-01-01T00:00:00}\n", "available: 'until' is not after 'from'"),
    (ONE + "    fallback: [a]\n", "fallback: 'a' names itself"),
    ("server: {keepalive_seconds: .inf}\n", "server.keepalive_seconds: input should be a finite number"),
    ("server: {keepalive_seconds: 1e300}\n", "server.keepalive_seconds: input should be less than"),
    ("server: {outbound_proxy: 'http://proxy:99999'}\n", "sekisho.yaml:1: server.outbound_proxy: must be http://"),
    (ONE.replace("gpu:8000", "gpu:99999"), "sekisho.yaml:3: base_url: 'http://gpu:99999/v1' is not an address"),
    (ONE.replace("gpu:8000", "[::1"), "base_url: 'http://[::1/v1' is not an address"),
    (ONE.replace("/v1", "/v1 x"), "base_url: 'http://gpu:8000/v1 x' has a '#', a space"),
    (ONE.replace("'http://gpu:8000/v1'", '"http://gpu/v1\\r\\nx: y"'), "base_url: "),
    (ONE.replace("gpu:8000", "user:canary@gpu:8000"), "base_url: has a user or password in it"),
    ("ledger: {destination: 'file://host/x'}\n", "ledger.destination: file://host names another machine"),
    ("ledger: {litellm: {destination: 'file://host/x'}}\n", "ledger.litellm.destination: file://host names another"),
    ("ledger: {destination: 's3://key:canary@bucket/x'}\n", "ledger.destination: has a user or password in it"),
    ("shared_state: nonsense\n", "sekisho.yaml:1: shared_state: "),
    (f"database: nonsense\nkey_secret: {LONG}\n", "sekisho.yaml:1: database: not an address"),
    (f"database: mysql+aiomysql://a/b\nkey_secret: {LONG}\n", "sekisho.yaml:1: database: not an address"),
    (f"database: postgresql+asyncpg://h:99999/b\nkey_secret: {LONG}\n", "sekisho.yaml:1: database: not an address"),
    (
        "\nledger: {content: {keys: [a], encryption_key: 'zz'}}\n",
        "sekisho.yaml:2: ledger.content.encryption_key: must be",
    ),
]


@pytest.mark.parametrize(("text", "says"), HOSTILE, ids=[f"{number}" for number in range(len(HOSTILE))])
def test_an_error_with_its_place(tmp_path: Path, text: str | bytes, says: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "large.yaml").write_bytes(b"#" * (LARGEST_FILE + 1))
    words = refusal(tmp_path, text)
    assert says in words
    assert "canary" not in words
    assert len(words) < 50_000


def test_merge_keys_join_what_they_name(tmp_path: Path) -> None:
    text = (
        "models:\n"
        "  - &first\n    name: a\n    context_window: 5\n"
        "    deployments: [&place {provider: vllm, base_url: 'http://gpu:8000/v1', model: m, weight: 2}]\n"
        "  - {<<: *first, name: b, deployments: [{<<: *place, model: n}]}\n"
        "  - {<<: [{context_window: 9}, *first], name: c}\n"
    )
    first, second, third = loaded(tmp_path, text).config.models
    assert (second.name, second.context_window, second.deployments[0].weight) == ("b", 5, 2)
    assert (second.deployments[0].model, first.deployments[0].model) == ("n", "m")
    assert third.context_window == 9, "the first of several that are merged counts"


def test_times_without_a_zone_are_utc(tmp_path: Path) -> None:
    found = loaded(tmp_path, ONE + "    available: {from: '2026-04-01T09:00:00'}\n").config.models[0].available.from_
    assert found
    assert found.isoformat() == "2026-04-01T09:00:00+00:00"


SECRETS = ("admin_key: {}\n", "key_secret: {}\n", "open_webui:\n  identity_secret: {}\n")
WEAK = [
    ("''", "is empty"),
    ("'   '", "is empty"),
    ("short", "is too short"),
    ("changeme-changeme-changeme-changeme", "is a placeholder"),
    ("'<your secret of 32 or more characters>'", "is a placeholder"),
    ("REPLACE_ME_REPLACE_ME_REPLACE_ME_REPLACE_ME", "is a placeholder"),
    ("your-secret-key-your-secret-key-your-secret", "is a placeholder"),
    ("x" * 40, "is a placeholder"),
    (f'"{LONG}\\n"', "begins or ends with a space"),
]


@pytest.mark.parametrize("place", SECRETS)
@pytest.mark.parametrize(("value", "says"), WEAK)
def test_a_weak_secret_is_none(tmp_path: Path, place: str, value: str, says: str) -> None:
    words = refusal(tmp_path, place.format(value) + ONE)
    assert says in words
    line = place.count("\n", 0, place.index("{}")) + 1
    assert f"sekisho.yaml:{line}: " in words
    assert value.strip("'\" ") not in words.removeprefix(f"{tmp_path}").replace("is too short", "") or not value.strip(
        "' "
    )
    variable = place.format("${GIVEN}") + ONE
    plain = {"''": "", "'   '": "   "}.get(value, value.strip("'\""))
    if "\\n" not in value:
        assert f"(from ${{GIVEN}}): {says}" in refusal(tmp_path, variable, GIVEN=plain)


@pytest.mark.parametrize("key", ["''", "'  '", "'${K}'", "sk-...", "sk-xxxx", "<key>", "$OPENAI_API_KEY", "CHANGE_ME"])
def test_a_providers_key_is_no_placeholder(tmp_path: Path, key: str) -> None:
    words = refusal(tmp_path, ONE.replace("model: m", f"model: m, api_key: {key}"), K="")
    assert "sekisho.yaml:3: models.0.deployments.0.api_key" in words


@pytest.mark.parametrize("key", ["x", "EMPTY", "none", "dummy", "sk-1234"])
def test_servers_of_ones_own_have_short_keys(tmp_path: Path, key: str) -> None:
    assert loaded(tmp_path, ONE.replace("model: m", f"model: m, api_key: {key}")).config.models


def test_an_empty_secret_matches_nothing() -> None:
    assert not Secret("").matches("")
    assert not Secret("abc").matches("")
    assert Secret("abc").matches("abc")
    assert not Secret("abc").matches("abcd")
    assert not Secret("abc").matches("\ud800")


STARTABLE = [
    ("server: {port: 1}\n", "sekisho.yaml:1: models: missing"),
    (ONE + "server: {custom_ca: nowhere.pem}\n", "sekisho.yaml:4: server.custom_ca: "),
    (ONE + "server: {custom_ca: sekisho.yaml}\n", "sekisho.yaml:4: server.custom_ca: "),
    (ONE + "data_dir: sekisho.yaml\n", "sekisho.yaml:4: data_dir: "),
]


@pytest.mark.parametrize(("text", "says"), STARTABLE)
def test_check_refuses_what_serve_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "sekisho.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_startable(file, {})
    assert says in str(caught.value)


FULL = f"admin_key: {LONG}\nserver: {{allowed_networks: [10.0.0.0/8]}}\nopen_webui: {{identity_secret: {LONG}}}\n" + ONE
CHANGES = [
    (FULL.replace(f"admin_key: {LONG}\n", ""), "admin_key: was set and is missing now"),
    (FULL.replace(f"open_webui: {{identity_secret: {LONG}}}\n", ""), "open_webui.identity_secret: was set"),
    (FULL.replace(" {allowed_networks: [10.0.0.0/8]}", " {port: 1}"), "server.allowed_networks: was set"),
    (FULL.replace(ONE, "models: []\n"), "models: was set and is missing now"),
    (FULL + "  - name: b\n    mode: chat\n    deployments: [{provider: openai, model: gp", None),
]


def test_changes_that_look_cut_are_refused(tmp_path: Path) -> None:
    before = loaded(tmp_path, FULL)
    for text, says in CHANGES:
        if says is None:
            continue
        after = loaded(tmp_path, text)
        with pytest.raises(ConfigError, match=says):
            check_change(before.config, before.document.texts, after)
    check_change(before.config, before.document.texts, loaded(tmp_path, FULL.rstrip()))
    check_change(before.config, before.document.texts, loaded(tmp_path, FULL + "# more\n"))


def test_a_file_that_ends_in_the_middle_of_a_line(tmp_path: Path) -> None:
    whole = ONE + "  - name: b\n    deployments:\n      - provider: openai\n        model: gpt-5-mini\n"
    before = loaded(tmp_path, whole)
    cut = loaded(tmp_path, whole.removesuffix("-mini\n"))
    with pytest.raises(ConfigError, match=r"sekisho\.yaml:7: ends in the middle of a line"):
        check_change(before.config, before.document.texts, cut)
    check_change(before.config, before.document.texts, loaded(tmp_path, ONE))


def test_the_watcher_outlives_everything(upstream: tuple[FakeUpstream, str], tmp_path: Path) -> None:
    """After each of these the old configuration answers, and a right one is picked up at the end."""
    config = {"admin_key": "${ADMIN_KEY}", "models": [model("m", deployment(upstream[1]))]}
    gateway = GatewayProcess(tmp_path, config).start()
    headers = {"authorization": f"Bearer {gateway.key('tests')}"}

    def names() -> list[str]:
        told = httpx2.get(f"{gateway.url}/v1/models", headers=headers, trust_env=False).json()
        return [each["id"] for each in told["data"]]

    refused = 0
    for text in ("", "# only\n", "include: 5\n", "a: " + "[" * 3000, "models: []\n", "a: \0\n", BOMB):
        gateway.file.write_text(text)
        refused += 1
        _until(lambda count=refused: gateway.log.count("the changed configuration is refused") >= count)  # type: ignore[misc]
        assert names() == ["m"]
    gateway.file.unlink()
    os.mkfifo(gateway.file)
    _until(lambda: gateway.log.count("the changed configuration is refused") > refused)
    gateway.file.unlink()
    gateway.configure({**config, "models": [model("new", deployment(upstream[1]))]})
    _until(lambda: names() == ["new"])
    assert "Traceback" not in gateway.log
    assert gateway.stop() == 0


def test_mending_an_included_file_is_noticed(upstream: tuple[FakeUpstream, str], tmp_path: Path) -> None:
    """A refused change brought the file in: it was never part of a configuration that ran."""
    gateway = GatewayProcess(tmp_path, {"models": [model("m", deployment(upstream[1]))]}).start()
    headers = {"authorization": f"Bearer {gateway.key('tests')}"}
    (tmp_path / "more.yaml").write_text("models: [{name: broken}]\n")
    gateway.configure({"include": ["more.yaml"], "models": [model("m", deployment(upstream[1]))]})
    _until(lambda: "the changed configuration is refused" in gateway.log)
    (tmp_path / "more.yaml").write_text(ONE)

    def names() -> list[str]:
        told = httpx2.get(f"{gateway.url}/v1/models", headers=headers, trust_env=False).json()
        return [each["id"] for each in told["data"]]

    _until(lambda: names() == ["a", "m"])
    assert gateway.stop() == 0


def _until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
