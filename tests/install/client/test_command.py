"""`sekisho client` as people call it: printed, written once, checked, and nothing harmed."""

import json
import stat
from pathlib import Path

import pytest
from starlette.responses import Response

from install.client import preparing
from install.client.tools import TOOLS
from install.client.writing import Unwritable
from install.errors import GatewayError, UsageError
from tests.fakes.fixed import Answer, Fixed
from tests.fakes.serving import free_port, serving
from tests.fixtures.gateway import InProcess
from tests.install.client.conftest import Run

ONE_A_WIRE = ("opencode", "codex", "claude-code", "gemini-cli", "llama-vscode")


def test_what_stands_there_is_kept_and_backed_up(run: Run, home: Path) -> None:
    file = home / ".claude" / "settings.json"
    file.parent.mkdir()
    before = b'\xef\xbb\xbf{\r\n\t"theme": "dark",\r\n\t"env": {"ANTHROPIC_API_KEY": "sk-mine", "X": "1"}\r\n}\r\n'
    file.write_bytes(before)
    told = json.loads(run("claude-code", "--write", "--json").output)["files"][0]
    assert told["state"] == "changed"
    assert "env.ANTHROPIC_BASE_URL" in told["changed"]
    assert Path(told["backup"]).read_bytes() == before
    assert stat.S_IMODE(Path(told["backup"]).stat().st_mode) == 0o600
    after = file.read_bytes()
    assert after.startswith(b'\xef\xbb\xbf{\r\n\t"theme": "dark",\r\n')
    assert b"\n" not in after.replace(b"\r\n", b"")
    found = json.loads(after.decode("utf-8-sig"))
    assert found["env"]["X"] == "1"
    assert "ANTHROPIC_API_KEY" not in found["env"], "it would win over the gateway's key"


def test_a_link_of_a_dotfile_manager_stays_a_link(run: Run, home: Path) -> None:
    kept = home / "dotfiles" / "settings.json"
    kept.parent.mkdir()
    kept.write_text("{}")
    link = home / ".claude" / "settings.json"
    link.parent.mkdir()
    link.symlink_to(kept)
    assert run("claude-code", "--write").exit_code == 0
    assert link.is_symlink()
    assert "ANTHROPIC_BASE_URL" in kept.read_text()


def test_a_command_for_the_key_is_preferred(run: Run, company: InProcess, home: Path) -> None:
    (home / "key").write_text(company.key)
    command = ("--key-command", f"cat {home / 'key'}")
    assert run("claude-code", "--write").exit_code == 0
    assert run("claude-code", "--write", *command).exit_code == 0
    settings = (home / ".claude" / "settings.json").read_text()
    assert json.loads(settings)["apiKeyHelper"] == f"cat {home / 'key'}"
    assert company.key not in settings, "the key of the first time is gone"
    assert run("codex", "--write", *command).exit_code == 0
    assert 'command = "cat"' in (home / ".codex" / "config.toml").read_text()


def test_models_are_chosen(run: Run) -> None:
    chosen = json.loads(run("claude-code", "--json").output)
    assert (chosen["model"], chosen["second_model"]) == ("coder", "small"), "the first, and the cheapest"
    named = json.loads(run("opencode", "--json", "--model", "claude-sonnet", "--small-model", "coder").output)
    assert (named["model"], named["second_model"]) == ("claude-sonnet", "coder")
    env = json.loads(json.loads(run("claude-code", "--json", "--model", "claude-sonnet").output)["files"][0]["content"])
    assert "CLAUDE_CODE_MAX_CONTEXT_TOKENS" not in env["env"], "Claude Code knows Claude"
    unknown = run("codex", "--model", "gpt-9")
    assert isinstance(unknown.exception, UsageError)
    assert "coder" in str(unknown.exception)


def test_the_check_says_what_is_not_written(run: Run) -> None:
    assert len(json.loads(run("codex", "--check", "--json").output)["ready"]) == 1
    run("codex", "--write")
    assert json.loads(run("codex", "--check", "--json").output)["ready"] == []


def test_the_check_says_what_fails(run: Run) -> None:
    done = run("claude-code", "--check", "--model", "broken", "--json")
    assert done.exit_code == 1
    assert json.loads(done.output)["check"]["part"] == "gateway"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--key", "sk-not-known"), "key"),
        (("--gateway", "https://localhost:9/x y"), "not an address"),
        (("--gateway", "ftp://gw"), "not an address"),
        (("--gateway", "https://user:pw@gw"), "not an address"),
        (("--gateway", ""), "address"),
        (("--gateway", "\x00"), "not an address"),
        (("--key-command", "'"), "cannot be read"),
        (("--completion-model", "none"), "fim"),
        (("--managed", "--write"), "--managed"),
    ],
)
def test_wrong_use(run: Run, arguments: tuple[str, ...], words: str) -> None:
    done = run("codex", *arguments)
    assert isinstance(done.exception, GatewayError | UsageError), done.output
    assert words in str(done.exception)


@pytest.mark.parametrize("command", ["false", "printf ''", "no-such-program", "printf 'two words\\nlines'"])
def test_a_command_without_a_key(command: str) -> None:
    wishes = preparing.Wishes(address="http://127.0.0.1:9", command=preparing.split_command(command))
    with pytest.raises(UsageError, match="printed no key"):
        preparing.prepare(wishes, TOOLS[0])


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"data": "' + b"x" * 5_000_000 + b'"}', 200),
        (b"<html>", 200),
        (b"[]", 200),
        (b"{}", 200),
        (b'{"data": 1}', 200),
        (b"", 502),
        (b"{" * 5000, 200),
    ],
)
def test_what_is_no_gateway(run: Run, content: bytes, status: int) -> None:
    with serving(Fixed({"/v1/models": Answer(content, status=status)})) as address:
        done = run("codex", "--gateway", address)
    assert isinstance(done.exception, GatewayError), done.output


def test_nobody_there(run: Run) -> None:
    done = run("codex", "--gateway", f"http://127.0.0.1:{free_port()}")
    assert isinstance(done.exception, GatewayError)
    assert "Nothing answers" in str(done.exception)


def test_other_tools_take_no_tool_servers(run: Run) -> None:
    assert isinstance(run("aider", "--mcp").exception, UsageError)


def test_a_redirect_is_not_followed(run: Run) -> None:
    """It could carry the key to another host."""
    other = Fixed()
    with serving(other) as elsewhere, serving(Response(b"", 307, {"location": f"{elsewhere}/v1/models"})) as address:
        assert isinstance(run("codex", "--gateway", address).exception, GatewayError)
    assert other.asked == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_printing_shows_no_key(run: Run, company: InProcess, home: Path, language: str) -> None:
    done = run("claude-code", "--lang", language)
    assert done.exit_code == 0, done.output
    assert company.key not in done.output
    assert f"sk-…{company.key[-4:]}" in done.output
    assert company.url in done.output
    assert [path for path in home.rglob("*") if path.is_file()] == []
    assert company.key in run("jetbrains", "--show-key").output


def test_writing_is_done_once(run: Run, company: InProcess, home: Path) -> None:
    first = run("gemini-cli", "--write", "--json")
    assert first.exit_code == 0, first.output
    assert company.key not in first.output
    assert [each["state"] for each in json.loads(first.output)["files"]] == ["new", "new"]
    written = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    again = run("gemini-cli", "--write", "--json")
    assert [each["state"] for each in json.loads(again.output)["files"]] == ["unchanged", "unchanged"]
    assert {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()} == written, "and no backup"


def test_a_broken_file_stays_and_so_do_its_neighbours(run: Run, home: Path) -> None:
    broken = home / ".gemini" / ".env"
    broken.parent.mkdir()
    broken.write_text("a b")
    done = run("gemini-cli", "--write")
    assert isinstance(done.exception, Unwritable)
    assert str(broken) in str(done.exception)
    assert "GOOGLE_GEMINI_BASE_URL=" in done.stderr, "what would have been written is shown"
    assert [path for path in home.rglob("*") if path.is_file()] == [broken], "all or nothing"
    assert broken.read_text() == "a b"


@pytest.mark.parametrize("name", ONE_A_WIRE)
def test_the_check_asks_as_the_tool_does(run: Run, name: str) -> None:
    assert json.loads(run(name, "--check", "--json").output)["check"] == {"ok": True}


def test_what_a_company_rolls_out_has_no_key(run: Run, company: InProcess) -> None:
    told = json.loads(run("gemini-cli", "--managed", "--show-key", "--json").output)
    assert company.key not in json.dumps(told)
    assert told["files"][0]["path"].endswith("/etc/gemini-cli/settings.json")
    assert told["variables"] == {"GOOGLE_GEMINI_BASE_URL": company.url, "GEMINI_API_KEY": "sk-…"}


def test_codex_needs_a_variable_for_tool_servers_beside_a_command(run: Run, company: InProcess, home: Path) -> None:
    (home / "key").write_text(company.key)
    done = run("codex", "--mcp", "--write", "--key-command", f"cat {home / 'key'}")
    assert f"export SEKISHO_API_KEY=$(cat {home / 'key'})" in done.output
    assert company.key not in (home / ".codex" / "config.toml").read_text()


def test_the_tool_servers_of_the_gateway(run: Run, company: InProcess, home: Path) -> None:
    assert run("codex", "--mcp", "--write").exit_code == 0
    assert f"{company.url}/mcp" in (home / ".codex" / "config.toml").read_text()
