"""`sekisho client NAME --write` is all that a tool needs: it then asks its model through the gateway.

The tools run beside each other, as each of them mostly waits.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.coding_tools.tools import Workplace, find, installed, refusing_proxy
from tests.fakes.serving import serving
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model
from tests.mcp.hub import everything

pytestmark = pytest.mark.timeout(400)

OWNER = "alice@example.com"
ASKED = "Say hello."
ANSWER = "Hello, 世界!"
ASKED_BY = "Say hello to {}."
AT_ONCE = 4
TOOL_OF_THE_HUB = "test_simple_text"
ALIASES = {False: "in-the-file", True: "by-command"}


@dataclass(frozen=True)
class Headless:
    """How a tool is asked once, without a terminal."""

    client: str
    program: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    by_command: bool = False
    """The key comes from a command instead of the file."""
    tools: bool = True
    """Asks the gateway's tool servers, too."""

    def __str__(self) -> str:
        return f"{self.client}-by-command" if self.by_command else self.client


FREELY = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
OFFLINE = ("OPENCODE_DISABLE_MODELS_FETCH", "OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_LSP_DOWNLOAD")
NO_PRICES = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
QUIET = ("--yes-always", "--no-check-update", "--no-show-model-warnings", "--analytics-disable", "--no-git")
AIDER = Headless("aider", "aider", ("--message", ASKED, *QUIET), NO_PRICES, tools=False)
TOOLS = (
    Headless("claude-code", "claude", ("-p", ASKED)),
    Headless("claude-code", "claude", ("-p", ASKED), by_command=True),
    Headless("codex", "codex", ("exec", *FREELY, ASKED)),
    Headless("codex", "codex", ("exec", *FREELY, ASKED), by_command=True, tools=False),
    Headless("opencode", "opencode", ("run", ASKED), dict.fromkeys(OFFLINE, "1")),
    Headless("cline", "cline", (ASKED,)),
    Headless("continue", "cn", ("-p", ASKED)),
    Headless("qwen-code", "qwen", ("-p", ASKED)),
    Headless("gemini-cli", "gemini", ("-p", ASKED), {"GEMINI_CLI_TRUST_WORKSPACE": "true"}, tools=False),
    *([AIDER] if find("aider") else ()),
)
"""Without aider where that is not on the PATH: its 700 MB are not installed for one test."""


@pytest.fixture(scope="module")
def fake() -> FakeUpstream:
    return FakeUpstream()


@pytest.fixture(scope="module")
def company(fake: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with serving(fake) as address, everything("legacy") as servers:
        models = [
            model("coder", deployment(address), price={"input": 3, "output": 15}, context_window=64_000),
            model("small", deployment(address), price={"input": 0.1, "output": 0.2}),
        ]
        config = {"models": models, "mcp": {"servers": {"all": {"url": servers["legacy"][1]}}}}
        process = GatewayProcess(tmp_path_factory.mktemp("company"), config).start()
        yield process
        assert process.stop() == 0, process.log


Runs = Mapping[str, Future[str]]


@pytest.fixture(scope="module")
def runs(company: GatewayProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """What each tool printed, by its name."""
    keys = {by: company.key(ALIASES[by], "--owner", OWNER) for by in (False, True)}
    with refusing_proxy() as (proxy, refused), ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            str(tool): pool.submit(
                _asked,
                tool,
                find("aider") if tool is AIDER else installed(tool.program),
                company.url,
                keys[tool.by_command],
                Workplace(tmp_path_factory.mktemp(str(tool)), proxy, refused),
            )
            for tool in TOOLS
        }


def _asked(tool: Headless, program: Path | None, url: str, key: str, workplace: Workplace) -> str:
    assert program
    options = ["--key", key]
    if tool.by_command:
        (workplace.home / "key").write_text(key)
        options = ["--key-command", f"cat {workplace.home / 'key'}"]
    _write(tool.client, workplace, "--gateway", url, *options, *(["--mcp"] if tool.tools else []))
    if tool.by_command:
        files = (path for path in workplace.home.rglob("*") if path.is_file() and path.name != "key")
        assert not [path for path in files if key in path.read_text()], "the key itself is in no file"
    arguments = [ASKED_BY.format(tool) if each == ASKED else each for each in tool.arguments]
    return workplace.run(program, *arguments, environment=tool.environment)


def _write(client: str, workplace: Workplace, *options: str) -> None:
    call = (sys.executable, "-m", "install", "client", client, "--write", *options)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(workplace.home), "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(call, env=environment, cwd=Path.cwd(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("tool", TOOLS, ids=str)
def test_a_written_configuration_works(tool: Headless, company: GatewayProcess, fake: FakeUpstream, runs: Runs) -> None:
    assert ANSWER in runs[str(tool)].result()
    alias = ALIASES[tool.by_command]
    records = [each for each in company.records() if (each.client, each.key_alias) == (tool.client, alias)]
    assert {(record.user_id, record.outcome) for record in records} == {(OWNER, "ok")}
    assert {"coder"} <= {record.model for record in records} <= {"coder", "small"}
    if tool.tools:
        asked = [each.raw.decode() for each in fake.seen if ASKED_BY.format(tool) in each.raw.decode()]
        assert any(TOOL_OF_THE_HUB in each for each in asked), "the model was offered the tools of the gateway"
