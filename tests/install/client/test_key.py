"""`sekisho key`: kept after it was tried, printed alone, in the keyring or in a file that only its owner reads."""

import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked
from typer.testing import CliRunner, Result

from gateway.secret import Secret
from install.cli import app
from install.client.keeping import KeptKey, KeyBox
from install.errors import GatewayError, UsageError
from tests.fixtures.gateway import InProcess


class Ring(KeyringBackend):
    """A keyring that keeps for as long as a test."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture(autouse=True)
def _no_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


@pytest.fixture(params=["keyring", "file"])
def ring(request: pytest.FixtureRequest) -> Ring | None:
    """The system's keyring, None where it has none."""
    made = Ring() if request.param == "keyring" else None
    if made:
        keyring.set_keyring(made)
    return made


def sekisho(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(app, list(arguments), input=given)


def test_kept_printed_forgotten(ring: Ring | None, home: Path, company: InProcess) -> None:
    kept = sekisho("key", f"{company.url}/v1/", "--save", given=f"{company.key}\n")
    assert (kept.exit_code, kept.stdout) == (0, ""), kept.output
    assert company.key not in kept.stderr
    assert sekisho("key").stdout == f"{company.key}\n", "the key, and nothing else"
    assert sekisho("key", company.url).stdout == f"{company.key}\n"
    files = {path.name: path for path in home.rglob("*") if path.is_file()}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    assert [name for name, path in files.items() if company.key in path.read_text()] == ([] if ring else ["keys.json"])

    assert sekisho("key", "--forget").exit_code == 0
    assert isinstance(sekisho("key").exception, UsageError)
    assert not any(company.key in path.read_text() for path in home.rglob("*") if path.is_file())
    assert ring is None or ring.kept == {}
    assert sekisho("key", company.url, "--forget").exit_code == 0, "twice"


def test_tools_are_configured_with_the_kept_key(ring: Ring | None, home: Path, company: InProcess) -> None:
    assert sekisho("key", company.url, "--save", "--key", company.key).exit_code == 0
    assert sekisho("client", "claude-code", "--write").exit_code == 0
    settings = json.loads((home / ".claude" / "settings.json").read_text())
    assert settings["apiKeyHelper"].endswith(f"key {company.url}")
    assert company.key not in json.dumps(settings)
    assert sekisho("client", "cline", "--write").exit_code == 0
    assert company.key in (home / ".cline/data/settings/providers.json").read_text(), "it runs no command"


def test_what_is_not_valid_is_not_kept(ring: Ring | None, home: Path, company: InProcess) -> None:
    assert isinstance(sekisho("key", company.url, "--save", "--key", "sk-not-known").exception, GatewayError)
    assert sekisho("key", company.url, "--save", given="\n").exit_code != 0
    assert sekisho("key", company.url, "--save", given="").exit_code != 0
    assert isinstance(sekisho("key", "--save").exception, UsageError), "no address"
    assert isinstance(sekisho("key", "nonsense").exception, UsageError)
    assert isinstance(sekisho("key", company.url).exception, UsageError)
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_a_key_that_has_ended_is_not_printed(ring: Ring | None, home: Path) -> None:
    box = KeyBox(home / ".config" / "sekisho")
    box.keep(KeptKey("http://gw", Secret("sk-old-1234"), time.time() - 60))
    done = sekisho("key")
    assert isinstance(done.exception, UsageError)
    assert "has ended" in str(done.exception)
    assert "sk-old" not in done.output


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00", "[" * 5000, '"text"'])
@pytest.mark.parametrize("name", ["gateways.json", "keys.json"])
def test_a_broken_file_is_told(home: Path, content: str, name: str) -> None:
    box = KeyBox(home / ".config" / "sekisho")
    box.keep(KeptKey("http://gw", Secret("sk-kept-1234")))
    (home / ".config" / "sekisho" / name).write_text(content)
    done = sekisho("key")
    assert isinstance(done.exception, UsageError)
    assert name in str(done.exception)


def test_a_locked_keyring_is_told(home: Path) -> None:
    ring = Ring()
    keyring.set_keyring(ring)
    KeyBox(home / ".config" / "sekisho").keep(KeptKey("http://gw", Secret("sk-kept-1234")))
    ring.locked = True
    done = sekisho("key")
    assert isinstance(done.exception, UsageError)
    assert "keyring" in str(done.exception)


def test_the_number_of_gateways_is_bounded(home: Path) -> None:
    box = KeyBox(home / ".config" / "sekisho")
    for number in range(60):
        box.keep(KeptKey(f"http://gw{number}", Secret(f"sk-number-{number}")))
    assert box.newest() == "http://gw59"
    assert box.find("http://gw0") is None
    assert len(json.loads((home / ".config" / "sekisho" / "keys.json").read_text())) <= 50
