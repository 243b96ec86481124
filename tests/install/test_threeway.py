"""What the pack last applied, what is there, what is wanted: every combination, without a server."""

from pathlib import Path

import pytest

from gateway.secret import Secret
from install.errors import InstallError
from install.pack.engine.applied import AppliedResource, Step, fold
from install.pack.engine.change import Action, Change
from install.pack.engine.compare import compare
from install.pack.engine.receipts import Receipts
from install.pack.engine.withdraw import withdraw
from install.pack.manifest.values import is_secret_name
from install.pack.resources.kind import Kind, Wanted
from install.pack.tree import ABSENT, Json, changed, containers, get, leaves


class Thing(Kind):
    name = "thing"
    code = ("content",)


THING = Thing()


def wanted(**values: object) -> Wanted:
    return Wanted("thing", "x", {(name,): value for name, value in values.items()})


def known(*steps: Step) -> AppliedResource | None:
    return fold(steps).get(("thing", "x"))


def step(before: Json | None, after: Json | None, **more: bool) -> Step:
    """A write from one record to another."""
    paths = {path for each in (before, after) if each for path, _ in leaves(each)}
    was, now = ({path: get(each, path) for path in paths} for each in (before, after))
    made = Step("thing", "x", "test", was, now, creates=before is None, deletes=after is None, done=True)
    for name, value in more.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("base", "now", "want", "action", "written"),
    [
        (ABSENT, "a", "a", Action.UNCHANGED, False),
        (ABSENT, "a", "b", Action.CHANGE, True),
        ("a", "a", "a", Action.UNCHANGED, False),
        ("a", "a", "b", Action.UPGRADE, True),
        ("a", "hand", "b", Action.EDITED_BY_HAND, False),
        ("a", "hand", "a", Action.EDITED_BY_HAND, False),
        ("a", "b", "b", Action.UNCHANGED, False),
    ],
)
def test_one_leaf(base: object, now: str, want: str, action: Action, written: bool) -> None:
    history = [step({"v": "before"}, {"v": base})] if base is not ABSENT else []
    change = compare(THING, wanted(v=want), {"v": now}, known(*history))
    assert (change.action, change.pending) == (action, written)
    if action is Action.EDITED_BY_HAND:
        forced = compare(THING, wanted(v=want), {"v": now}, known(*history), force=True)
        assert forced.target == {"v": want}


def test_edited_leaves_stay_while_others_are_written() -> None:
    change = compare(THING, wanted(a=2, b=2), {"a": 9, "b": 1}, known(step({"a": 0, "b": 0}, {"a": 1, "b": 1})))
    assert (change.blocked, change.target) == (True, {"a": 9, "b": 2})
    assert "a: edited by hand (9; wanted 2)" in change.details


def test_edited_code_protects_the_whole_resource() -> None:
    history = step(None, {"content": "1", "v": 1})
    change = compare(THING, wanted(content="2", v=2), {"content": "hand", "v": 1}, known(history))
    assert (change.blocked, change.pending) == (True, False)


def test_soft_leaves_bow_to_whoever_decided() -> None:
    soft = Wanted("thing", "x", {("v",): "ours"}, frozenset({("v",)}))
    assert compare(THING, soft, {"v": "theirs"}, None).action is Action.UNCHANGED
    assert compare(THING, soft, {"v": None}, None).target == {"v": "ours"}
    assert compare(THING, soft, {"v": "hand"}, known(step({}, {"v": "old"}))).action is Action.UNCHANGED
    assert compare(THING, soft, {"v": "old"}, known(step({}, {"v": "old"}))).target == {"v": "ours"}


def test_what_is_no_longer_wanted_becomes_what_it_was() -> None:
    history = step({"a": 0, "b": 0}, {"a": 1, "b": 1})
    assert compare(THING, wanted(a=1), {"a": 1, "b": 1}, known(history)).target == {"a": 1, "b": 0}
    assert compare(THING, wanted(a=1), {"a": 1, "b": 9}, known(history)).pending is False


def test_deleted_by_hand_needs_force() -> None:
    history = known(step(None, {"v": 1}))
    change = compare(THING, wanted(v=1), None, history)
    assert (change.action, change.details) == (Action.EDITED_BY_HAND, ("deleted by hand",))
    assert compare(THING, wanted(v=1), None, history, force=True).action is Action.NEW


def test_withdrawing() -> None:
    created, adopted = known(step(None, {"v": 1})), known(step({"v": 0}, {"v": 1}))
    assert created
    assert adopted
    gone = withdraw(THING, "x", {"v": 1, "own": 2}, created)
    assert gone is not None
    assert (gone.action, gone.target) == (Action.TAKE_AWAY, None)
    back = withdraw(THING, "x", {"v": 1, "own": 2}, adopted)
    assert back is not None
    assert (back.action, back.target) == (Action.RESTORE, {"v": 0, "own": 2})
    gone_already = withdraw(THING, "x", None, created)
    assert gone_already is not None
    assert (gone_already.forget, gone_already.pending) == (True, False)
    assert withdraw(THING, "x", {"v": 0}, adopted) is None
    edited = withdraw(THING, "x", {"v": 9}, created)
    assert edited is not None
    assert edited.blocked


def test_containers_made_for_a_leaf_go_with_it() -> None:
    above = dict(containers({"a": None}, ("a", "b", "c")))
    assert above == {("a",): None, ("a", "b"): ABSENT}
    history = step({}, {"a": {"b": {"c": 1}}})
    history.before = {("a", "b", "c"): ABSENT}
    history.above = above
    state = known(history)
    assert state
    back = withdraw(THING, "x", {"a": {"b": {"c": 1}}}, state)
    assert back is not None
    assert back.target == {"a": None}


def test_an_interrupted_write_accepts_both_states() -> None:
    state = known(step({"v": 0}, {"v": 1}, done=False))
    for now in (0, 1):
        assert compare(THING, wanted(v=1), {"v": now}, state).blocked is False
    assert compare(THING, wanted(v=1), {"v": 9}, state).blocked is True
    created = known(step(None, {"v": 1}, done=False))
    assert compare(THING, wanted(v=1), None, created).action is Action.NEW
    assert compare(THING, wanted(v=1), {"v": "the server's default"}, created).blocked is False


def test_what_was_taken_back_never_happened() -> None:
    assert known(step(None, {"v": 1}, taken_back=True)) is None
    assert known(step(None, {"v": 1}), step({"v": 1}, None)) is None


def test_secrets_are_known_by_value_or_by_name() -> None:
    change = compare(THING, wanted(pin=Secret("1234"), api_key="sk-1", note="n"), {}, None)
    assert change.secrets == {("pin",), ("api_key",)}
    assert set(change.details) == {"pin: ***", "api_key: ***", "note: n"}
    assert is_secret_name(("rag.openai.api_key",))
    assert is_secret_name(("settings", "headers", "Authorization"))
    assert not is_secret_name(("max_tokens_per_file",))


def test_changing_leaves_never_touches_the_original() -> None:
    record = {"a": {"b": 1}, "empty": {}}
    assert changed(record, {("a", "c"): 2, ("a", "b"): ABSENT, ("x", "y"): ABSENT}) == {"a": {"c": 2}, "empty": {}}
    assert record == {"a": {"b": 1}, "empty": {}}
    assert dict(leaves(record)) == {("a", "b"): 1, ("empty",): {}}


def write(receipts: Receipts, before: Json, after: Json, *, done: bool = True) -> None:
    touched: dict[tuple[str, ...], tuple[object, object]] = {("api_key",): (before["api_key"], after["api_key"])}
    change = Change(
        "thing", "x", Action.CHANGE, pending=True, current=before, target=after, touched=touched,
        secrets=frozenset({("api_key",)}),
    )  # fmt: skip
    writer = receipts.begin("apply", "0.12.4")
    number = writer.intend(change)
    if done:
        writer.done(number)
        writer.end()
    writer.close()


def test_receipts_hold_no_secret_and_give_it_back(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path)
    write(receipts, {"api_key": "old-secret"}, {"api_key": "new-secret"})
    state = Receipts(tmp_path).known()["thing", "x"]
    assert state.accepts(("api_key",), "new-secret")
    assert not state.accepts(("api_key",), "old-secret")
    assert state.leaves["api_key",].original == "old-secret"
    (path,) = (tmp_path / "receipts").glob("*")
    assert "secret" not in path.read_text().replace('"secret"', "")
    assert "new-secret" not in (tmp_path / "secrets.json").read_text()
    assert {each.stat().st_mode & 0o777 for each in (path, tmp_path / "secrets.json")} == {0o600}


def test_a_torn_last_line_is_an_interruption(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path)
    write(receipts, {"api_key": "a"}, {"api_key": "b"}, done=False)
    write(receipts, {"api_key": "a"}, {"api_key": "b"})
    first, second = sorted((tmp_path / "receipts").glob("*"))
    second.write_text(second.read_text()[:-20])
    assert [(each.name[:4], each.ended, each.open) for each in Receipts(tmp_path).all()] == [
        ("0001", False, 1),
        ("0002", False, 1),
    ]
    first.write_text("no receipt\n")
    with pytest.raises(InstallError, match=r"0001-apply.*--state"):
        Receipts(tmp_path).all()
    (tmp_path / "secrets.json").write_text("[]")
    with pytest.raises(InstallError, match="secrets"):
        Receipts(tmp_path)


def test_two_runs_at_once(tmp_path: Path) -> None:
    first, second = Receipts(tmp_path), Receipts(tmp_path)
    with first.alone(), pytest.raises(InstallError, match="Wait until it has ended"), second.alone():
        pass
    with second.alone():
        assert second.all() == []
