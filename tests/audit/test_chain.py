"""A chain proves that nothing was changed, removed, moved or cut, and says which row is the first."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.actor import Actor, acting, current_actor, system_user
from gateway.audit.chain import Chain
from gateway.audit.forgetting import forget_in_audit, named_in_audit
from gateway.audit.row import Sealer, from_line, hash_of, made, to_line
from gateway.audit.verify import Verified, verified_here

ALICE, BOB = Actor("person", "alice@example.com"), Actor("person", "bob@example.com")


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    chain = Chain(tmp_path, Sealer(b"secret"))
    for number in range(1, 7):
        who = ALICE if number % 2 else BOB
        chain.append("budget.set", actor=who, object={"budget": f"team:{number}"}, before=None, after={"usd": number})
    return chain


def verify(chain: Chain, **anchors: int) -> Verified:
    head = chain.head()
    return verified_here(chain, {head.chain: anchors["least"]} if head and anchors else {})


def lines(chain: Chain) -> list[bytes]:
    return chain.file.read_bytes().splitlines(keepends=True)


def test_a_whole_chain_holds(chain: Chain) -> None:
    result = verify(chain, least=6)

    assert (result.broken, result.rows, result.unsealed, result.forgotten) == (None, 6, 0, 0)
    assert result.head == json.loads(lines(chain)[-1])["hash"]
    assert verified_here(Chain(chain.folder / "none", chain.sealer), {}).broken is None


def edited(line: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(line), **changes}).encode() + b"\n"


def without_actor(line: bytes) -> bytes:
    row = json.loads(line)
    del row["parts"]["actor"]
    return edited(line, parts=row["parts"])


def rehashed(line: bytes) -> bytes:
    """Change a row and its hash, as somebody who has not the secret can."""
    row = from_line(line)
    assert row is not None
    row.action = "budget.removed"
    row.hash = hash_of(row)
    return to_line(row)


def resealed(line: bytes) -> bytes:
    row = from_line(line)
    assert row is not None
    row.key = Sealer(b"another").name
    row.hash = hash_of(row)
    row.seal = Sealer(b"another").seal(row.hash)
    return to_line(row)


DAMAGE: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "another time": (lambda rows: [*rows[:2], edited(rows[2], at=5), *rows[3:]], "row 3"),
    "another action": (lambda rows: [*rows[:2], edited(rows[2], action="key.created"), *rows[3:]], "row 3"),
    "another number": (lambda rows: [*rows[:2], edited(rows[2], n=9), *rows[3:]], "rows 3 to 8"),
    "another actor": (lambda rows: [*rows[:3], rows[3].replace(b"bob@", b"eve@"), *rows[4:]], "row 4"),
    "another amount": (lambda rows: [*rows[:3], rows[3].replace(b'"usd":4', b'"usd":5'), *rows[4:]], "row 4"),
    "a part taken out": (lambda rows: [*rows[:3], without_actor(rows[3]), *rows[4:]], "row 4"),
    "a new hash": (lambda rows: [*rows[:4], rehashed(rows[4]), rows[5]], "row 5"),
    "sealed by another": (lambda rows: [*rows[:5], resealed(rows[5])], "row 6"),
    "removed": (lambda rows: [*rows[:1], *rows[2:]], "row 2"),
    "the first removed": (lambda rows: rows[1:], "row 1"),
    "moved": (lambda rows: [rows[0], rows[2], rows[1], *rows[3:]], "row 2"),
    "twice": (lambda rows: [*rows[:3], rows[2], *rows[3:]], "row 3"),
    "cut at the end": (lambda rows: rows[:-1], "row 6"),
    "two cut at the end": (lambda rows: rows[:-2], "rows 5 to 6"),
    "cut in a row": (lambda rows: [*rows[:-1], rows[-1][:40]], "row 6"),
    "emptied": (lambda rows: [], "row 1"),
    "noise": (lambda rows: [*rows[:2], b"\x00\xff{\n", *rows[2:]], "line 3"),
    "an endless line": (lambda rows: [*rows[:2], b"x" * 400_000 + b"\n", *rows[2:]], "line 3"),
    "an empty line": (lambda rows: [*rows[:2], b"\n", *rows[2:]], "line 3"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_at_its_first_row(name: str, chain: Chain) -> None:
    damage, place = DAMAGE[name]
    chain.file.write_bytes(b"".join(damage(lines(chain))))

    assert place in str(verify(chain).broken)


def test_a_cut_stays_visible_after_the_next_row(chain: Chain) -> None:
    chain.file.write_bytes(b"".join(lines(chain)[:-2]))
    chain.append("budget.set", actor=ALICE, object={"budget": "team:7"})

    assert "rows 5 to 6" in str(verify(chain).broken)


def test_the_head_cannot_be_put_back(chain: Chain) -> None:
    head = chain.folder / "head.json"
    old = head.read_bytes()
    chain.append("budget.set", actor=ALICE, object={"budget": "team:7"})
    chain.append("budget.set", actor=ALICE, object={"budget": "team:8"})
    newest = head.read_bytes()

    head.write_bytes(newest.replace(b'"n":8', b'"n":6'))
    assert "its seal does not hold" in str(verify(chain).broken)
    head.unlink()
    assert "head.json is missing" in str(verify(chain).broken)
    head.write_bytes(old)
    assert "head.json is older" in str(verify(chain).broken)
    chain.file.write_bytes(b"".join(lines(chain)[:6]))
    assert verify(chain).broken is None, "file and head put back together look whole"
    assert "rows 7 to 8" in str(verify(chain, least=8).broken), "but the database counts"


def test_a_process_that_dies_between_row_and_head_breaks_nothing(chain: Chain) -> None:
    head = (chain.folder / "head.json").read_bytes()
    chain.append("budget.set", actor=ALICE, object={"budget": "team:7"})
    (chain.folder / "head.json").write_bytes(head)
    assert verify(chain).broken is None

    chain.append("budget.set", actor=ALICE, object={"budget": "team:8"})
    assert (verify(chain).broken, verify(chain).rows) == (None, 8)


def test_a_torn_row_was_never_answered_and_goes(chain: Chain) -> None:
    with chain.file.open("ab") as file:
        file.write(lines(chain)[-1][:50])
    assert verify(chain).broken is None
    chain.append("budget.set", actor=ALICE, object={"budget": "team:7"})

    assert (verify(chain).broken, verify(chain).rows) == (None, 7)


def test_a_forged_row_at_the_end_is_not_followed(chain: Chain) -> None:
    with chain.file.open("ab") as file:
        file.write(rehashed(lines(chain)[-1]).replace(b'"n":6', b'"n":7'))
    chain.append("budget.set", actor=ALICE, object={"budget": "team:7"})

    assert "line 7" in str(verify(chain).broken)


def test_processes_write_one_chain(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from gateway.audit.chain import Chain; "
        "from gateway.audit.row import Sealer; chain = Chain(Path(sys.argv[1]), Sealer(b'secret')); "
        "[chain.append('budget.set', object={'n': n}) for n in range(20)]"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]

    result = verified_here(Chain(tmp_path, Sealer(b"secret")), {})
    assert (result.broken, result.rows) == (None, 60)


def test_forgotten_persons_leave_a_chain_that_holds(chain: Chain) -> None:
    taken = forget_in_audit(chain, {"bob@example.com"})

    assert [n for n, _ in taken] == [2, 4, 6]
    assert named_in_audit(chain, {"bob@example.com"}) == 0
    assert b"bob@" not in chain.file.read_bytes()
    result = verify(chain)
    assert (result.broken, result.rows, result.forgotten) == (None, 7, 3)

    chain.file.write_bytes(b"".join(lines(chain)[:-1]))
    (chain.folder / "head.json").unlink()
    assert "row 2: 'actor' was taken out, and no later row tells why" in str(verify(chain).broken)


def test_thousands_of_rows_of_one_person_are_forgotten(chain: Chain) -> None:
    last = from_line(lines(chain)[-1])
    assert last is not None
    with chain.file.open("ab") as file:
        for _ in range(900):
            last = made(last.chain, last.n + 1, last.hash, "key.changed", {"object": "alice@example.com"}, chain.sealer)
            file.write(to_line(last))
    chain.set_head(last, {})

    assert len(forget_in_audit(chain, {"alice@example.com"})) == 903
    assert (verify(chain).broken, verify(chain).forgotten) == (None, 903)


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": ["\ud83d"]}, "x" * 10**6, 10**30, [], {}, 0, False, "\u0000"])
def test_any_value_is_written_and_verified(value: Any, tmp_path: Path) -> None:
    chain = Chain(tmp_path, Sealer(b"secret"))
    chain.append("consent.given", actor=ALICE, object=value)
    chain.append("consent.given", actor=ALICE, object=value)

    assert (verify(chain).broken, verify(chain).rows) == (None, 2)
    assert chain.file.stat().st_size < 100_000


def test_what_is_recorded_once_is_recorded_again_after_something_else(tmp_path: Path) -> None:
    chain = Chain(tmp_path, Sealer(b"secret"))
    given = [("configuration", "a"), ("configuration", "a"), ("refused", "a"), ("configuration", "b")]

    written = [chain.append("configuration.applied", once=each, object={}) for each in given]
    assert [row.n if row else None for row in written] == [1, None, 2, 3]


def test_the_actor_is_the_one_of_the_moment() -> None:
    assert current_actor() == system_user()
    assert system_user().kind == "system"
    assert system_user().name
    with acting(ALICE):
        assert current_actor() == ALICE
    assert current_actor().kind == "system"


def test_a_chain_that_cannot_be_written_raises(chain: Chain) -> None:
    before = chain.file.read_bytes()
    chain.file.unlink()
    chain.file.mkdir()
    with pytest.raises(IsADirectoryError):
        chain.append("budget.set", actor=ALICE, object={})
    os.rmdir(chain.file)
    chain.file.write_bytes(before)

    assert verify(chain).broken is None
