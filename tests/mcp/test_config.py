"""What is wrong with `mcp:` is said with file and line."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("servers: {git: {}}", "needs either 'command'"),
        ("servers: {git: {command: [x], url: 'http://a'}}", "needs either 'command'"),
        ("servers: {git: {command: []}}", "command"),
        ("servers: {git: {command: [x], headers: {a: b}}}", "'headers' means something only with a 'url'"),
        ("servers: {git: {url: 'http://a', cwd: /tmp}}", "'cwd' means something only with a 'command'"),
        ("servers: {git: {url: 'ftp://a'}}", "is not an address"),
        ("servers: {git: {url: 'http://u:p@a/mcp'}}", "has a user or password"),
        ("servers: {git: {url: 'http://a', headers: {Authorization: b}}}", "a token belongs into 'auth'"),
        ("servers: {git: {comand: [x]}}", "did you mean 'command'"),
        ("servers: {'a b': {command: [x]}}", "a b"),
        ("servers: {view: {command: [x]}}", "are views; choose another"),
        (
            "servers: {git: {command: [x]}}\n  views: {dev: {servers: [gitt]}}",
            "there is no server 'gitt'; did you mean 'git'",
        ),
        ("servers: {git: {command: [x], auth: {identity: id}}}", "open_webui.identity_secret"),
        (
            "servers: {git: {url: 'http://a', auth: {token: t0ken-value, user_tokens: {a: another-token}}}}",
            "exclude each other",
        ),
    ],
)
def test_wrong_configurations(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "sekisho.yaml"
    file.write_text(f"models: []\nmcp:\n  {text}\n")
    with pytest.raises(ConfigError) as refused:
        load(file)
    assert says in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_process_is_shared_unless_a_person_has_a_token(tmp_path: Path) -> None:
    file = tmp_path / "sekisho.yaml"
    file.write_text(
        "models: []\nmcp:\n  servers:\n    a: {command: [x]}\n    b: {command: [x], process: per_user}\n"
        "    c: {command: [x], auth: {user_tokens: {ada: token-of-ada}}, user_token_env: TOKEN}\n    d: {url: 'http://a'}\n"
    )
    mcp = load(file).config.mcp
    assert mcp
    assert {name: server.is_shared for name, server in mcp.servers.items()} == {
        "a": True,
        "b": False,
        "c": False,
        "d": False,
    }
    assert "token-of-ada" not in repr(mcp)


def test_a_gateway_without_tool_servers_imports_nothing_of_them() -> None:
    code = "import sys, gateway.app, gateway.preflight; print({'mcp', 'mcp_types'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
