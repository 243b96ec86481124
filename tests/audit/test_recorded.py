"""Whatever changes keys, budgets, configuration or persons leaves a row, from the command line and over HTTP."""

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.audit.actions import ACTIONS
from gateway.audit.chain import folder_of
from gateway.audit.configuration import record_applied
from gateway.audit.listing import Wanted, newest
from gateway.config.load import load
from gateway.config.schema import Config
from gateway.identity.keys import audit_of
from gateway.ledger.destination import open_store
from gateway.ledger.record import Record
from gateway.maintenance.audit_copies import copy_audit, verified_copies
from gateway.maintenance.forget import forget
from gateway.maintenance.shipping import ship
from tests.bench.month import write_segments
from tests.fixtures.gateway import ADMIN_KEY, ENVIRONMENT, InProcess, in_process
from tests.ledger.ask import configured
from tests.reports.ledgers import Ledger

SECRETS = ("sk-", ADMIN_KEY, *ENVIRONMENT.values())


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path, models=[])


def test_the_command_line_leaves_rows_with_the_system_user(ledger: Ledger) -> None:
    made = ledger.json("keys", "create", "--alias", "laptop", "--owner", "alice@example.com", "--team", "research")
    ledger.run("keys", "change", "laptop", "--budget-usd", "20", "--budget-per", "month")
    rotated = ledger.json("keys", "rotate", "laptop")
    ledger.run("keys", "revoke", "laptop")
    ledger.run("budgets", "set", "team:research", "--usd", "5")
    ledger.run("budgets", "set", "team:research", "--usd", "7")
    ledger.run("budgets", "remove", "team:research")

    rows = ledger.json("audit", "list")[::-1]
    assert [row["action"] for row in rows] == [
        *("key.created", "key.changed", "key.rotated", "key.revoked"),
        *("budget.set", "budget.set", "budget.removed"),
    ]
    assert {row["actor"]["kind"] for row in rows} == {"system"}
    assert rows[0]["object"] == {"key": made["id"], "alias": "laptop", "owner": "alice@example.com"}
    assert (rows[0]["before"], rows[0]["after"]["owner"]) == (None, "alice@example.com")
    assert rows[1]["before"] == {"budget_nano_usd": None, "budget_window": None}
    assert rows[1]["after"] == {"budget_nano_usd": 20 * 10**9, "budget_window": "month"}
    assert rows[3]["before"]["revoked_at"] is None
    assert rows[5]["before"]["nano_usd"] == 5 * 10**9
    assert rows[6]["after"] is None
    content = (folder_of(ledger.data_dir) / "chain.jsonl").read_text()
    assert not any(secret in content for secret in (made["key"], rotated["key"]))
    assert "hash" not in rows[0]["after"]
    assert ledger.json("audit", "verify")["good"]
    assert "alice@example.com" in ledger.run("audit", "list", "--about", "ALICE@")
    assert ledger.json("audit", "list", "--action", "budget", "--limit", "2")[0]["action"] == "budget.removed"
    assert ledger.json("audit", "list", "--actor", "nobody-of-this-name") == []


def test_verify_names_the_first_broken_row_and_ends_with_one(ledger: Ledger) -> None:
    for team in ("a", "b", "c"):
        ledger.run("budgets", "set", f"team:{team}", "--usd", "5")
    file = folder_of(ledger.data_dir) / "chain.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"team:b", b"team:x"))

    done = ledger.call("audit", "verify")
    assert done.returncode == 1
    assert "line 2, row 2: was changed" in done.stderr
    file.write_bytes(whole)
    assert ledger.call("audit", "verify").returncode == 0
    shutil.rmtree(file.parent)
    assert ledger.call("audit", "verify").returncode == 1, "the database knows that there was a chain"


def test_a_change_that_cannot_be_recorded_is_not_made(ledger: Ledger) -> None:
    ledger.run("budgets", "set", "team:a", "--usd", "5")
    file = folder_of(ledger.data_dir) / "chain.jsonl"
    whole = file.read_bytes()
    file.unlink()
    file.mkdir()

    for change in (
        ("keys", "create", "--alias", "laptop"),
        ("budgets", "set", "team:a", "--usd", "9"),
        ("budgets", "remove", "team:a"),
    ):
        done = ledger.call(*change)
        assert (done.returncode, "cannot be recorded" in done.stderr) == (1, True), done
    file.rmdir()
    file.write_bytes(whole)
    assert ledger.json("keys", "list") == []
    assert [each["nano_usd"] for each in ledger.json("budgets", "list")] == [5 * 10**9]
    assert ledger.json("audit", "verify")["good"]


def test_nothing_refused_leaves_a_row(ledger: Ledger) -> None:
    ledger.run("keys", "create", "--alias", "laptop")
    assert ledger.call("keys", "create", "--alias", "laptop").returncode == 2
    assert ledger.call("budgets", "remove", "team:none").returncode == 2

    assert [row["action"] for row in ledger.json("audit", "list")] == ["key.created"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    config = {"admin_key": "${ADMIN_KEY}", "own_keys": {"most": 3}, "models": []}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with in_process(tmp_path_factory.mktemp("audit"), config) as gateway:
            yield gateway


def admin(served: InProcess, method: str, path: str, **sent: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    return httpx2.request(method, f"{served.url}/admin{path}", headers=headers, timeout=30, trust_env=False, **sent)


def rows(served: InProcess, **query: Any) -> list[dict[str, Any]]:
    return list(admin(served, "GET", "/audit", params=query).json()["rows"])


def test_the_routes_leave_rows_with_who_called(served: InProcess) -> None:
    made = admin(served, "POST", "/keys", json={"alias": "bob-laptop", "owner": "bob@example.com"}).json()
    own = httpx2.post(
        f"{served.url}/v1/me/keys",
        headers={"authorization": f"Bearer {made['key']}"},
        json={"alias": "ノート"},
        trust_env=False,
    ).json()

    by_bob, by_admin = rows(served, about="bob", action="key.created")
    assert by_bob["actor"] == {
        "kind": "person",
        "name": "bob@example.com",
        "via": "key bob-laptop",
        "address": "127.0.0.1",
    }
    assert by_admin["actor"] == {"kind": "admin_key", "via": "key", "address": "127.0.0.1"}
    assert by_bob["object"]["alias"] == "bob@example.com/ノート"
    assert by_bob["sentence"] == "Key created"
    assert rows(served, about="bob", lang="ja")[0]["sentence"] == "キーを作成"
    told = json.dumps(rows(served))
    assert not any(secret in told for secret in (made["key"], own["key"], ADMIN_KEY))


def test_pages_of_the_audit_follow_each_other(served: InProcess) -> None:
    for number in range(5):
        admin(served, "PUT", f"/budgets/team:p{number}", json={"nano_usd": 1, "window": "day"})
    first = admin(served, "GET", "/audit?action=budget&limit=3").json()
    second = admin(served, "GET", f"/audit?action=budget&limit=3&before={first['more']}").json()

    numbers = [row["n"] for row in (*first["rows"], *second["rows"])]
    assert numbers == sorted(numbers, reverse=True)
    assert (len(set(numbers)), second["more"]) == (5, None)


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "lang=fr", "who=me", "before=0", "since=x", "limit=99999"])
def test_a_query_that_cannot_be_says_what_may_be(query: str, served: InProcess) -> None:
    answer = admin(served, "GET", f"/audit?{query}")

    assert answer.status_code == 400
    assert "The query may have since, until" in answer.json()["error"]["message"]


def test_the_audit_is_for_the_administrator(served: InProcess) -> None:
    headers = {"authorization": f"Bearer {served.key}"}
    assert httpx2.get(f"{served.url}/admin/audit", headers=headers, trust_env=False).status_code == 401


def test_the_configuration_is_recorded_at_the_start_and_when_it_changes(tmp_path: Path) -> None:
    config = {"admin_key": "${ADMIN_KEY}", "models": []}
    with in_process(tmp_path, config) as served:
        file = tmp_path / "sekisho.yaml"
        good = file.read_text()
        assert [row["action"] for row in rows(served)][:1] == ["configuration.applied"]

        file.write_text(good + "own_keys:\n  most: 4\n")
        changed = waited(served, "configuration.applied", 2)[0]
        assert changed["after"]["own_keys.most"] == "4"
        assert changed["actor"] == {"kind": "gateway", "via": "file"}

        file.write_text(good + "own_keys:\n  most: many\n")
        refused = waited(served, "configuration.refused", 1)[0]
        assert "own_keys.most" in refused["after"]["problem"]

        file.write_text(
            good + "own_keys:\n  most: 4\nopen_webui:\n  identity_secret: a-canary-that-nobody-may-read-0123456789\n"
        )
        secret = waited(served, "configuration.applied", 3)[0]
        assert secret["after"] == {"open_webui.identity_secret": "another secret"}
    file.write_text(good)
    audit = audit_of(load(file, ENVIRONMENT).config)
    for _ in range(2):
        asyncio.run(record_applied(audit, load(file, ENVIRONMENT)))
    (again, *_) = newest(audit.chain.file, Wanted())
    assert again["before"]["open_webui.identity_secret"] == "a secret"
    assert again["n"] == 6
    written = b"".join(path.read_bytes() for path in folder_of(tmp_path / "data").iterdir())
    assert not any(secret.encode() in written for secret in ("a-canary", *SECRETS[1:]))


def waited(served: InProcess, action: str, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 60
    while len(found := rows(served, action=action)) < count:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_every_action_has_a_sentence_in_both_languages() -> None:
    assert all(english and japanese and english != japanese for english, japanese in ACTIONS.values())


def machine(tmp_path: Path, name: str) -> Config:
    """A machine of several that share a destination and the secret of their keys."""
    return configured(tmp_path / name, destination=str(tmp_path / "shared"))


def test_machines_copy_their_chains_and_miss_what_is_cut_from_others(tmp_path: Path) -> None:
    here, there = machine(tmp_path, "here"), machine(tmp_path, "there")
    store = open_store(here)
    chains = [audit_of(each).chain for each in (here, there)]
    for number, chain in enumerate(chains * 2):
        chain.append("budget.set", object={"budget": f"team:{number}"})
    for chain in chains * 4:
        copy_audit(chain, store)
    assert [each.broken for each in verified_copies(chains[0], store)] == [None, None]
    assert [head.n for chain in chains if (head := chain.head())] == [3, 3], "notes of notes end"

    chains[1].append("budget.set", object={"budget": "team:9"})
    copy_audit(chains[1], store)
    name = chains[1].head().chain  # type: ignore[union-attr]
    copies = sorted(item.path for item in store.list(f"_audit/{name}/"))
    store.delete([copies[0]])
    assert "rows 1 to 3" in str(
        {each.where: each for each in verified_copies(chains[0], store)}[f"_audit/{name}"].broken
    )
    store.delete(copies)
    broken = [each for each in verified_copies(chains[0], store) if each.broken]
    assert [each.where for each in broken] == [f"_audit/{name}"], "a chain that is gone is missed by the others"


def test_a_file_that_was_cut_is_missed_by_its_copy(tmp_path: Path) -> None:
    here = machine(tmp_path, "here")
    chain, store = audit_of(here).chain, open_store(here)
    chain.append("budget.set", object={"budget": "team:1"})
    chain.append("budget.set", object={"budget": "team:2"})
    copy_audit(chain, store)
    shutil.rmtree(chain.folder)
    chain.append("budget.set", object={"budget": "team:3"})

    copy_audit(chain, store)
    assert any(each.rows == 2 for each in verified_copies(chain, store)), "the copy is still there"


def test_a_person_is_forgotten_in_the_audit_of_every_machine_and_its_copies(tmp_path: Path) -> None:
    here, there = machine(tmp_path, "here"), machine(tmp_path, "there")
    at = round(time.time() * 1e6)
    for each in (here, there):
        who = {"user_id": "u-alice", "user_email": "alice@example.com"}
        write_segments(each.data_dir, [Record(request_id=f"r{each.data_dir}", started_at=at, api="chat", **who)])  # type: ignore[arg-type]
        chain = audit_of(each).chain
        chain.append("budget.set", object={"budget": "person:alice@example.com"}, after={"usd": 5})
        chain.append("budget.set", object={"budget": "person:bob@example.com"}, after={"usd": 5})
        copy_audit(chain, open_store(each))

    done = forget(here, "alice@example.com")
    assert (done.audited, done.found_after) == (1, 0)
    ship(there)

    written = [path for path in tmp_path.rglob("*.jsonl") if b"alice@example.com" in path.read_bytes()]
    assert written == []
    chain, store = audit_of(there).chain, open_store(there)
    copy_audit(chain, store)
    assert [(each.broken, each.forgotten) for each in verified_copies(chain, store)] == [(None, 1), (None, 1)]
    assert sum(b"bob@example.com" in path.read_bytes() for path in tmp_path.rglob("*.jsonl")) == 4


def test_the_list_prints_what_people_typed_as_it_is(ledger: Ledger) -> None:
    ledger.run("budgets", "set", "team:[red]x[/red]", "--usd", "5")
    assert "team:[red]x[/red]" in ledger.run("audit", "list")
