"""A gateway with models for every purpose, and a home of its own for the person who configures tools."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from install.cli import app
from install.wording import speak
from tests.fakes.serving import serving
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import InProcess, deployment, in_process, model

Run = Callable[..., Result]


@pytest.fixture(scope="package")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """Serves `coder`, the cheaper `small`, `fim` for completion, and one that fails."""
    with serving(FakeUpstream()) as address:
        models = [
            model(
                "coder",
                deployment(address),
                price={"input": 3, "output": 15},
                context_window=64_000,
                max_output_tokens=8_000,
            ),
            model("small", deployment(address), price={"input": 0.1, "output": 0.2}),
            model("claude-sonnet", deployment(address), price={"input": 3, "output": 15}, context_window=200_000),
            model("fim", deployment(address), mode="completion"),
            model("broken", deployment(address, "500")),
        ]
        with in_process(tmp_path_factory.mktemp("company"), {"models": models}) as gateway:
            yield gateway


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, a project folder that is the current one, and no setting of the tester's own."""
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "SEKISHO_API_KEY", "SEKISHO_GATEWAY_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    (folder / "project").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.chdir(folder / "project")
    return folder


@pytest.fixture
def run(home: Path, company: InProcess) -> Iterator[Run]:
    """Run `sekisho client` with the gateway's address and a key; the last of an option that is given twice counts."""

    def call(*arguments: str) -> Result:
        known = ("--gateway", company.url, "--key", company.key)
        return CliRunner().invoke(app, ["client", arguments[0], *known, *arguments[1:]])

    yield call
    speak("en")
