"""Whether the gateway accepts the pack's secret, asked of a real gateway when a plan is made."""

from collections.abc import Iterator

import pytest

from install.doctor.secret_check import wrong_secret
from install.pack.engine.change import Action, Change, Plan
from install.wording import speak
from tests.fixtures.gateway import IDENTITY_SECRET, GatewayProcess, InProcess, in_process

WRONG = "another-secret-of-thirty-two-characters"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[InProcess, str]]:
    """A gateway, and the key that Open WebUI has there."""
    folder = tmp_path_factory.mktemp("secrets")
    key = GatewayProcess(folder, {}).key("chat", "--identity", "open-webui")
    with in_process(folder, {"open_webui": {"identity_secret": IDENTITY_SECRET}, "models": []}) as found:
        yield found, key


def plan(key: str, stored: str | None, given: str | None = None) -> Plan:
    """Return a plan in which the filter has a secret, and gets another."""
    connection = Change("connection", "gateway", Action.UNCHANGED, current={"key": key})
    row = {"valves": {"secret": stored}} if stored else None
    target = {"valves": {"secret": given}} if given else None
    action = Action.UPGRADE if given else Action.UNCHANGED
    identity = Change("filter", "user_identity", action, pending=bool(given), current=row, target=target)
    return Plan((identity, connection), gateway="gateway")


@pytest.mark.parametrize(
    ("stored", "given", "says"),
    [
        (IDENTITY_SECRET, None, ""),
        (WRONG, IDENTITY_SECRET, ""),
        (None, IDENTITY_SECRET, ""),
        (None, None, ""),
        (
            WRONG,
            None,
            "The gateway does not accept what the stored secret of user_identity signs. Every",
        ),
        (
            IDENTITY_SECRET,
            WRONG,
            "The gateway does not accept what the given identity secret signs. Every",
        ),
    ],
)
def test_a_wrong_secret_is_told_before_people_find_out(
    gateway: tuple[InProcess, str], stored: str | None, given: str | None, says: str
) -> None:
    found, key = gateway
    problem = wrong_secret(plan(key, stored, given), f"{found.url}/v1")
    assert problem.startswith(says)
    assert bool(problem) == bool(says)
    assert WRONG not in problem


def test_it_is_told_in_japanese_and_shown_with_the_plan(gateway: tuple[InProcess, str]) -> None:
    found, key = gateway
    speak("ja")
    try:
        problem = wrong_secret(plan(key, WRONG), found.url)
    finally:
        speak("en")
    assert problem.startswith("user_identity に保存されたシークレットの署名を、ゲートウェイが受け入れません。")
    assert Plan((), problem=problem).notes == (problem,)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://[::1", "gateway:4000"])
def test_a_gateway_that_is_not_reached_from_here_says_nothing(url: str) -> None:
    assert wrong_secret(plan("sk-key", WRONG), url) == ""
