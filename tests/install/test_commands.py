"""The `sekisho` command as people run it: output, exit codes, and no secret anywhere."""

import json
import resource
import stat
from pathlib import Path

import pytest

from tests.fixtures.open_webui import ADMIN_EMAIL, ADMIN_PASSWORD, OpenWebUIServer, free_port
from tests.install.conftest import (
    GATEWAY_KEY,
    IDENTITY_SECRET,
    PLUGIN,
    FakeGateway,
    Relay,
    Sekisho,
    content_of,
    state_of,
    writes,
)


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


def edit_by_hand(server: OpenWebUIServer) -> None:
    stored = server.request("GET", "/api/v1/functions/id/sekisho_greeting")
    form = {key: stored[key] for key in ("id", "name", "meta")} | {"content": stored["content"] + "# mine\n"}
    server.request("POST", "/api/v1/functions/id/sekisho_greeting/update", form)


def test_from_plan_to_remove(
    server: OpenWebUIServer, sekisho: Sekisho, arguments: list[object], secrets: dict[str, str]
) -> None:
    before, exported = state_of(server), content_of(server)
    here = {**secrets, "SEKISHO_OPEN_WEBUI_URL": server.url}

    planned = sekisho("plan", *arguments, **secrets)
    assert planned.returncode == 0, planned.stderr
    assert "header X-Sekisho-Task: {{TASK}}" in planned.stdout
    assert "4 new, 1 unchanged." in planned.stdout
    assert sekisho("plan", *arguments, "--exit-code", **secrets).returncode == 3
    differing = sekisho("status", *arguments, **secrets)
    assert differing.returncode == 3
    assert "4 things differ" in differing.stderr
    assert "`sekisho apply` puts it right." in differing.stderr
    assert "No receipts" in differing.stdout
    assert state_of(server) == before

    applied = sekisho("apply", *arguments, **secrets)
    assert applied.returncode == 0, applied.stderr
    assert "✓ new  filter sekisho_greeting" in applied.stdout
    assert "4 done and read back. Receipt 0001-apply-" in applied.stdout
    after, written = state_of(server), writes(server)

    again = sekisho("apply", *arguments, **secrets)
    assert (again.returncode, again.stdout) == (0, "Nothing to change.\n")
    assert state_of(server) == after
    assert writes(server) == written

    same = sekisho("status", *arguments, **secrets)
    assert same.returncode == 0, same.stderr
    assert "Nothing to change, 5 unchanged." in same.stdout
    assert "0001-apply-" in same.stdout

    looked = sekisho("remove", "--dry-run", **here)
    assert looked.returncode == 0, looked.stderr
    assert "4 take away" in looked.stdout
    assert state_of(server) == after
    removed = sekisho("remove", **here)
    assert removed.returncode == 0, removed.stderr
    assert content_of(server) == exported
    back = sekisho("rollback", "0001", **here)
    assert back.returncode == 0, back.stderr
    assert "Receipt 0003-rollback-" in back.stdout
    undone = sekisho("rollback", **here)
    assert undone.returncode == 0, undone.stderr
    assert content_of(server) == exported

    outputs = (planned, differing, applied, again, same, looked, removed, back, undone)
    text = "".join(output.stdout + output.stderr for output in outputs)
    assert not [secret for secret in secrets.values() if secret in text]
    assert "\x1b" not in text


def test_json(sekisho: Sekisho, arguments: list[object], secrets: dict[str, str], server: OpenWebUIServer) -> None:
    plan = json.loads(sekisho("plan", *arguments, "--json", **secrets).stdout)
    assert (plan["pending"], plan["blocked"], plan["unchanged"]) == (4, 0, 1)
    first = plan["changes"][0]
    assert (first["kind"], first["id"], first["action"]) == ("filter", "sekisho_greeting", "new")
    assert "valve secret: ***" in first["details"]

    applied = sekisho("apply", *arguments, "--json", **secrets)
    receipt = json.loads(applied.stdout)["receipt"]
    status = json.loads(sekisho("status", *arguments, "--json", **secrets).stdout)
    assert status["unchanged"] == 5
    assert [(each["name"], each["ended"]) for each in status["receipts"]] == [(receipt, True)]
    here = {**secrets, "SEKISHO_OPEN_WEBUI_URL": server.url}
    removed = json.loads(sekisho("remove", "--json", **here).stdout)
    assert {change["action"] for change in removed["changes"]} == {"take away"}


def test_edited_by_hand(
    server: OpenWebUIServer, sekisho: Sekisho, arguments: list[object], secrets: dict[str, str]
) -> None:
    assert sekisho("apply", *arguments, **secrets).returncode == 0
    edit_by_hand(server)

    drift = sekisho("plan", *arguments, **secrets)
    assert drift.returncode == 3
    kept = sekisho("apply", *arguments, **secrets)
    assert kept.returncode == 3
    assert "edited by hand  filter sekisho_greeting" in kept.stdout
    assert "run the command again with --force" in kept.stderr
    assert sekisho("status", *arguments, **secrets).returncode == 3
    shown = sekisho("plan", *arguments, "--force", "--diff", **secrets)
    assert shown.returncode == 0
    assert "-# mine" in shown.stdout

    forced = sekisho("apply", *arguments, "--force", **secrets)
    assert forced.returncode == 0, forced.stderr
    assert "# mine" not in server.request("GET", "/api/v1/functions/id/sekisho_greeting")["content"]


def test_one_sign_in_for_all_commands(sekisho: Sekisho, arguments: list[object], tmp_path: Path, relay: Relay) -> None:
    given = ["--email", ADMIN_EMAIL, "--gateway-key", GATEWAY_KEY]
    here = [*arguments, "--url", relay.url]
    planned = sekisho("plan", *here, *given, "--password", ADMIN_PASSWORD)
    assert planned.returncode == 0, planned.stderr
    assert "valve secret is not set: SEKISHO_IDENTITY_SECRET is missing" in planned.stdout
    assert ADMIN_PASSWORD not in planned.stdout

    again = sekisho("plan", *here, *given)
    assert again.returncode == 0, again.stderr
    assert [path for _, path in relay.asked if path.endswith("/signin")] == ["/api/v1/auths/signin"]
    (kept,) = (tmp_path / ".local" / "state" / "sekisho").glob("*/tokens.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    kept.write_text(kept.read_text().replace("ey", "ez"))
    spoiled = sekisho("plan", *here, *given)
    assert spoiled.returncode == 2
    assert "Pass --password" in spoiled.stderr


def test_an_up_to_date_server_is_asked_little(
    sekisho: Sekisho, arguments: list[object], secrets: dict[str, str], relay: Relay
) -> None:
    """What keeps it within three seconds, measured so that a busy machine does not matter."""
    here = [*arguments, "--url", relay.url]
    assert sekisho("apply", *here, **secrets).returncode == 0
    relay.asked.clear()
    relay.written.clear()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    again = sekisho("apply", *here, **secrets)

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (again.returncode, again.stdout) == (0, "Nothing to change.\n")
    assert relay.written == []
    assert len(relay.asked) <= 12
    assert used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime < 2.5


def test_a_plugin_that_does_not_load(
    server: OpenWebUIServer, sekisho: Sekisho, arguments: list[object], secrets: dict[str, str], plugins: Path
) -> None:
    path = plugins / "filters" / "sekisho_greeting.py"
    path.write_text(PLUGIN.replace("class Filter", "raise ValueError('no luck')\n\n\nclass Filter"))
    broken = sekisho("apply", *arguments, **secrets)
    assert broken.returncode == 1
    assert "does not take filter sekisho_greeting" in broken.stderr
    assert "✓ new  connection" in broken.stdout
    assert sekisho("status", *arguments, **secrets).returncode == 3


def test_known_problems_are_one_line(
    server: OpenWebUIServer, sekisho: Sekisho, arguments: list[object], secrets: dict[str, str]
) -> None:
    wrong = sekisho("apply", *arguments, "--email", "nobody@example.com", "--password", "wrong-password-1")
    down = sekisho("apply", *arguments, "--gateway-url", f"http://127.0.0.1:{free_port()}/v1", **secrets)
    secure = sekisho("apply", *arguments, "--url", server.url.replace("http:", "https:"), **secrets)
    never = sekisho("remove", "--url", server.url, "--state", "nowhere", **secrets)
    for problem, says in (
        (wrong, "Check --email and --password."),
        (down, "cannot reach the gateway"),
        (secure, "There is no secure connection"),
        (never, "There are no receipts for this server"),
    ):
        assert problem.returncode == 1, problem.stderr
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
        (["plan", "--url", "http://x", "--gateway-url", "http://y", "--token", "t", "--manifest", "no"], "no: cannot"),
        (["plan", "--plugins", "nowhere"], "--plugins"),
        (["rollback"], "--url"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_wrong_use(sekisho: Sekisho, arguments: list[str], says: str) -> None:
    wrong = sekisho(*arguments)
    assert wrong.returncode == 2
    assert says in wrong.stderr


@pytest.mark.parametrize("verb", ["plan", "apply", "status", "rollback", "remove", "doctor"])
def test_help_has_examples_and_variables(sekisho: Sekisho, verb: str) -> None:
    text = sekisho(verb, "--help").stdout
    assert f"sekisho {verb} " in text
    assert "SEKISHO_OPEN_WEBUI_URL" in text
