"""The `sekisho` command as people run it: output, exit codes, and no secret anywhere."""

import json
from pathlib import Path

import pytest

from tests.fixtures.open_webui import ADMIN_EMAIL, ADMIN_PASSWORD, OpenWebUIServer, free_port
from tests.install.conftest import GATEWAY_KEY, IDENTITY_SECRET, FakeGateway, Sekisho, state_of, writes


@pytest.fixture
def arguments(server: OpenWebUIServer, gateway: FakeGateway, plugins: Path, manifest_file: Path) -> list[object]:
    return ["--url", server.url, "--gateway-url", gateway.url, "--plugins", plugins, "--manifest", manifest_file]


@pytest.fixture
def secrets(server: OpenWebUIServer) -> dict[str, str]:
    return {
        "SEKISHO_OPEN_WEBUI_TOKEN": server.admin_token,
        "SEKISHO_GATEWAY_KEY": GATEWAY_KEY,
        "SEKISHO_IDENTITY_SECRET": IDENTITY_SECRET,
    }


def test_plan_apply_status(
    server: OpenWebUIServer, sekisho: Sekisho, arguments: list[object], secrets: dict[str, str]
) -> None:
    before = state_of(server)
    outputs = []

    planned = sekisho("plan", *arguments, **secrets)
    assert planned.returncode == 0, planned.stderr
    assert "create" in planned.stdout
    assert "header X-Sekisho-Task: {{TASK}}" in planned.stdout
    assert sekisho("plan", *arguments, "--exit-code", **secrets).returncode == 3
    differing = sekisho("status", *arguments, **secrets)
    assert differing.returncode == 3
    assert "7 things differ" in differing.stderr
    assert "`sekisho apply` puts it right." in differing.stderr
    assert state_of(server) == before

    applied = sekisho("apply", *arguments, **secrets)
    assert applied.returncode == 0, applied.stderr
    assert "✓ create  filter sekisho_greeting" in applied.stdout
    assert "7 done and read back." in applied.stdout
    after, written = state_of(server), writes(server)

    again = sekisho("apply", *arguments, **secrets)
    assert (again.returncode, again.stdout) == (0, "Nothing to change.\n")
    assert state_of(server) == after
    assert writes(server) == written

    same = sekisho("status", *arguments, **secrets)
    assert same.returncode == 0, same.stderr
    assert "Nothing to change, 4 unchanged." in same.stdout

    outputs += [planned, differing, applied, again, same]
    text = "".join(output.stdout + output.stderr for output in outputs)
    assert not [secret for secret in secrets.values() if secret in text]
    assert "\x1b" not in text


def test_json(sekisho: Sekisho, arguments: list[object], secrets: dict[str, str]) -> None:
    planned = sekisho("plan", *arguments, "--json", **secrets)
    plan = json.loads(planned.stdout)
    assert (plan["pending"], plan["blocked"]) == (7, 0)
    assert plan["changes"][2] == {
        "resource": "filter",
        "name": "sekisho_greeting",
        "action": "set valves",
        "details": ["secret: ***"],
    }

    applied = sekisho("apply", *arguments, "--json", **secrets)
    assert json.loads(applied.stdout) == plan
    status = sekisho("status", *arguments, "--json", **secrets)
    assert json.loads(status.stdout)["unchanged"] == 4
    text = planned.stdout + applied.stdout + status.stdout
    assert not [secret for secret in secrets.values() if secret in text]


def test_edited_by_hand(
    server: OpenWebUIServer, sekisho: Sekisho, arguments: list[object], secrets: dict[str, str]
) -> None:
    assert sekisho("apply", *arguments, **secrets).returncode == 0
    stored = server.request("GET", "/api/v1/functions/id/sekisho_greeting")
    form = {key: stored[key] for key in ("id", "name", "meta")} | {"content": stored["content"] + "# mine\n"}
    server.request("POST", "/api/v1/functions/id/sekisho_greeting/update", form)

    kept = sekisho("apply", *arguments, **secrets)
    assert kept.returncode == 3
    assert "edited by hand  filter sekisho_greeting" in kept.stdout
    assert "overwrite with `sekisho apply --force`" in kept.stderr
    assert sekisho("status", *arguments, **secrets).returncode == 3

    forced = sekisho("apply", *arguments, "--force", **secrets)
    assert forced.returncode == 0, forced.stderr
    assert "# mine" not in server.request("GET", "/api/v1/functions/id/sekisho_greeting")["content"]


def test_signing_in_with_a_password(sekisho: Sekisho, arguments: list[object]) -> None:
    planned = sekisho(
        "plan", *arguments, "--email", ADMIN_EMAIL, "--password", ADMIN_PASSWORD, "--gateway-key", GATEWAY_KEY
    )
    assert planned.returncode == 0, planned.stderr
    assert "valve secret is not set: SEKISHO_IDENTITY_SECRET is missing" in planned.stdout
    assert ADMIN_PASSWORD not in planned.stdout


def test_known_problems_are_one_line(
    server: OpenWebUIServer, sekisho: Sekisho, arguments: list[object], secrets: dict[str, str]
) -> None:
    wrong = sekisho("apply", *arguments, "--email", "nobody@example.com", "--password", "wrong-password-1")
    down = sekisho("apply", *arguments, "--gateway-url", f"http://127.0.0.1:{free_port()}/v1", **secrets)
    for problem, says in ((wrong, "Check --email and --password."), (down, "cannot reach the gateway")):
        assert problem.returncode == 1
        assert problem.stdout == ""
        assert problem.stderr.startswith("error: ")
        assert says in problem.stderr
        assert problem.stderr.count("\n") == 1
        assert "wrong-password-1" not in problem.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["plan"], "--url"),
        (["plan", "--url", "http://x", "--gateway-url", "http://y"], "Pass --token, or --email and --password."),
        (["plan", "--url", "http://x", "--gateway-url", "http://y", "--email", "a@b"], "Pass --password"),
        (["plan", "--url", "http://x", "--gateway-url", "http://y", "--token", "t", "--manifest", "no"], "no: cannot"),
        (["plan", "--plugins", "nowhere"], "--plugins"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_wrong_use(sekisho: Sekisho, arguments: list[str], says: str) -> None:
    wrong = sekisho(*arguments)
    assert wrong.returncode == 2
    assert says in wrong.stderr


@pytest.mark.parametrize("verb", ["plan", "apply", "status"])
def test_help_has_examples_and_variables(sekisho: Sekisho, verb: str) -> None:
    text = sekisho(verb, "--help").stdout
    assert f"sekisho {verb} --" in text
    assert "SEKISHO_GATEWAY_KEY" in text
