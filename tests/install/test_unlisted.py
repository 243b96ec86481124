"""Models that leave the gateway's list, for good or for a moment, and what administrators decided about them."""

import dataclasses
from typing import Any

import pytest

from install.pack.engine.change import Action, Plan
from install.pack.inputs import Options
from install.pack.manifest import Manifest
from install.pack.manifest.entries import ModelEntry
from tests.fixtures.open_webui import OpenWebUIServer, free_port
from tests.install.conftest import BOOKKEEPING, GATEWAY_KEY, FakeGateway, Pack, Sekisho

ALL = Manifest()
MODELS = "/api/v1/models"


def chat(*names: str) -> list[dict[str, Any]]:
    return [{"id": name, "object": "model"} for name in names]


@pytest.fixture
def four(gateway: FakeGateway, pack: Pack) -> FakeGateway:
    """A gateway with four models, all of them published."""
    gateway.models = chat("one", "two", "three", "four")
    pack.apply(ALL)
    return gateway


def row(server: OpenWebUIServer, name: str) -> Any:
    rows = {row["id"]: row for row in server.request("GET", f"{MODELS}/all")}
    return {key: value for key, value in rows[name].items() if key not in BOOKKEEPING} if name in rows else None


def grants(server: OpenWebUIServer, name: str) -> set[str]:
    return {grant["principal_id"] for grant in row(server, name)["access_grants"]}


def decide(server: OpenWebUIServer, model: str, **fields: Any) -> None:
    """Save a model as the editor in the browser does."""
    stored = row(server, model)
    form = {key: stored[key] for key in ("id", "name", "base_model_id", "params", "meta", "access_grants")}
    server.request("POST", f"{MODELS}/model/update", {**form, **fields})


def actions(plan: Plan) -> dict[str, Action]:
    return {change.id: change.action for change in plan.changes if change.kind == "model"}


def without_grant_ids(found: Any) -> Any:
    mine = [
        {key: grant[key] for key in grant if key in ("principal_id", "permission")} for grant in found["access_grants"]
    ]
    return {**found, "access_grants": mine}


def test_an_administrators_row_is_hidden_and_comes_back_as_it_was(
    server: OpenWebUIServer, pack: Pack, four: FakeGateway
) -> None:
    token = server.create_user("Hanako", f"hanako{free_port()}@example.com", "a-good-password-1")
    decide(server, "one", params={"system": "Answer in verse."})
    was = row(server, "one")

    four.models = chat("two", "three", "four")
    plan = pack.apply(ALL)

    assert actions(plan)["one"] is Action.HIDE
    (detail,) = next(change for change in plan.changes if change.id == "one").details
    assert detail == "somebody changed params.system: kept out of sight, --force deletes it"
    assert row(server, "one")["is_active"] is False
    assert row(server, "one")["params"] == was["params"]
    assert "one" not in {model["id"] for model in server.request("GET", "/api/models", token=token)["data"]}
    assert pack.apply(ALL).pending == ()

    four.models = chat("one", "two", "three", "four")
    pack.apply(ALL)
    assert row(server, "one") == was
    assert "one" in {model["id"] for model in server.request("GET", "/api/models", token=token)["data"]}
    assert pack.apply(ALL).pending == ()
    pack.remove(force=True)
    assert row(server, "one") is None


@pytest.mark.parametrize("decision", ["switched off", "no readers", "another reader", "another name"])
def test_other_decisions_outlast_a_moment(
    server: OpenWebUIServer, pack: Pack, four: FakeGateway, decision: str
) -> None:
    reader = [{"principal_type": "user", "principal_id": "someone", "permission": "read"}]
    if decision == "switched off":
        server.request("POST", f"{MODELS}/model/toggle?id=one")
    elif decision == "another name":
        decide(server, "one", name="The first")
    else:
        body = {"id": "one", "access_grants": reader if decision == "another reader" else []}
        server.request("POST", f"{MODELS}/model/access/update", body)
    was = without_grant_ids(row(server, "one"))

    four.models = chat("two", "three", "four")
    assert pack.apply(ALL).blocked == ()
    four.models = chat("one", "two", "three", "four")
    assert pack.apply(ALL).blocked == ()

    assert without_grant_ids(row(server, "one")) == was


def test_a_row_nobody_touched_goes_and_is_made_anew(server: OpenWebUIServer, pack: Pack, four: FakeGateway) -> None:
    was = without_grant_ids(row(server, "one"))
    four.models = chat("two", "three", "four")
    assert actions(pack.apply(ALL))["one"] is Action.TAKE_AWAY
    assert row(server, "one") is None
    four.models = chat("one", "two", "three", "four")
    assert actions(pack.apply(ALL))["one"] is Action.NEW
    assert without_grant_ids(row(server, "one")) == was


def test_what_was_deleted_by_hand_stays_away_after_a_moment(
    server: OpenWebUIServer, pack: Pack, four: FakeGateway
) -> None:
    server.request("POST", f"{MODELS}/model/delete", {"id": "one"})
    four.models = chat("two", "three", "four")
    pack.apply(ALL)
    four.models = chat("one", "two", "three", "four")
    (left,) = pack.apply(ALL).blocked
    assert (left.id, left.details) == ("one", ("deleted by hand",))


def test_rows_of_others_are_left_as_they_are_while_the_model_is_away(
    server: OpenWebUIServer, pack: Pack, gateway: FakeGateway
) -> None:
    gateway.models = chat("one", "two", "three")
    server.request("POST", f"{MODELS}/create", {"id": "one", "name": "Mine", "meta": {}, "params": {}})
    pack.apply(ALL)
    server.request("POST", f"{MODELS}/model/access/update", {"id": "one", "access_grants": []})
    was = row(server, "one")

    gateway.models = chat("two", "three")
    assert actions(pack.apply(ALL)).get("one") is None
    gateway.models = chat("one", "two", "three")
    pack.apply(ALL)

    assert row(server, "one") == was
    assert grants(server, "one") == set()


@pytest.mark.parametrize("left", [(), ("one",), ("one", "two"), ("five", "six", "seven", "eight")])
def test_a_list_that_shrinks_by_half_is_asked_about(
    server: OpenWebUIServer, pack: Pack, four: FakeGateway, options: Options, left: tuple[str, ...]
) -> None:
    before = {name: row(server, name) for name in ("one", "two", "three", "four")}
    four.models = chat(*left)

    plan = pack.apply(ALL, options)

    gone = set(before) - set(left)
    assert {change.id for change in plan.held} == gone
    assert {name: row(server, name) for name in before} == before
    assert all("--fewer-models" in change.details[0] for change in plan.held)

    pack.apply(ALL, dataclasses.replace(options, fewer_models=True))
    assert [name for name in gone if row(server, name)] == []
    assert pack.apply(ALL, options).held == ()


def test_a_manifest_that_names_fewer_models_needs_no_question(
    server: OpenWebUIServer, pack: Pack, four: FakeGateway
) -> None:
    decide(server, "two", params={"system": "Answer in verse."})
    plan = pack.apply(Manifest(models=(ModelEntry(name="one"),)))
    assert {name: actions(plan)[name] for name in ("two", "three", "four")} == {
        "two": Action.HIDE,
        "three": Action.TAKE_AWAY,
        "four": Action.TAKE_AWAY,
    }
    pack.apply(ALL)
    assert row(server, "two")["is_active"] is True
    assert row(server, "two")["params"] == {"system": "Answer in verse."}


def test_the_command_keeps_them_and_names_the_flag(
    server: OpenWebUIServer, sekisho: Sekisho, gateway: FakeGateway
) -> None:
    gateway.models = chat("one", "two")
    here = ["--url", server.url, "--gateway-url", gateway.url]
    given = {"SEKISHO_OPEN_WEBUI_TOKEN": server.admin_token, "SEKISHO_GATEWAY_KEY": GATEWAY_KEY}
    secret = {"SEKISHO_IDENTITY_SECRET": "identity-secret-for-tests-0123456789"}
    assert sekisho("apply", *here, **given, **secret).returncode == 0
    gateway.models = []

    for verb in ("plan", "apply", "status"):
        kept = sekisho(verb, *here, **given, **secret)
        assert kept.returncode == 3, kept.stderr
        assert "the gateway lists 0 of 2 published models" in kept.stdout
        assert row(server, "one")
    asked = sekisho("apply", *here, **given, **secret)
    assert "--fewer-models" in asked.stderr
    assert sekisho("apply", *here, "--fewer-models", **given, **secret).returncode == 0
    assert row(server, "one") is None
