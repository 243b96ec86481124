"""Carry a plan out with a receipt, then read everything back."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from install.errors import CreateRefused, InstallError, Refused
from install.open_webui import OpenWebUI
from install.pack.engine.applied import Key
from install.pack.engine.change import Change, Plan
from install.pack.engine.model_check import require_gateway_answers
from install.pack.engine.receipt_writer import Writer
from install.pack.engine.receipts import Receipts
from install.pack.resources import KINDS, Kind
from install.wording import say, term

CODE = ("filter", "action", "pipe", "tool")


@dataclass(frozen=True, slots=True)
class _Failed:
    """Why a step was not done; nothing of it is left."""

    why: str
    meanwhile: bool = False
    """Somebody else wrote between plan and apply."""


def carry_out(
    client: OpenWebUI, plan: Plan, receipts: Receipts, command: str, on_done: Callable[[Change], None]
) -> str | None:
    """Carry out a plan in its order; return the receipt's name, None if there was nothing to write.

    A failure leaves the rest undone, and the next run goes on from there. Raises `InstallError` at the end for
    plugins that the server could not use, and for what somebody else wrote since the plan; all of these
    are as they were before.
    """
    seen = list(unrecorded(plan, receipts))
    gone = [change for change in plan.changes if change.forget]
    if not (plan.pending or seen or gone):
        return None
    writer = receipts.begin(command, client.version, volatile=plan.volatile)
    try:
        for change in gone:
            writer.forget(change)
        for change in seen:
            writer.seen(change, created=KINDS[change.kind].created(change.current or {}))
        failed = dict(_write_all(client, plan.pending, writer, set(receipts.known()), on_done))
        writer.end()
    finally:
        writer.close()
    _raise(failed)
    return writer.name


def _raise(failed: Mapping[str, _Failed]) -> None:
    if any(not each.meanwhile for each in failed.values()):
        reasons = "; ".join(f"{name}: {each.why}" for name, each in failed.items())
        raise InstallError(
            say(
                "Open WebUI does not take {reasons}. It is as it was before, everything else is applied.",
                reasons=reasons,
            ),
            say("Mend the file or its valves, or take it out of the manifest; Open WebUI's log says more."),
        )
    if failed:
        raise InstallError(
            say("Left alone because somebody made or changed it since the plan: {failed}.", failed=", ".join(failed)),
            say("Everything else is done; run the command again to see what is left."),
        )


def _write_all(
    client: OpenWebUI, changes: Iterable[Change], writer: Writer, known: Set[Key], on_done: Callable[[Change], None]
) -> Iterator[tuple[str, _Failed]]:
    for change in changes:
        step = writer.intend(change, adopted=_adopted(change, known))
        try:
            failed = _write(client, change)
        except CreateRefused:
            writer.taken_back(step)
            raise
        if failed:
            writer.taken_back(step)
            yield f"{term(change.kind)} {change.id}", failed
        else:
            writer.done(step)
            on_done(change)


def _adopted(change: Change, known: Set[Key]) -> bool:
    """Return whether another machine's pack brought this resource, so that this machine has no receipt of it."""
    new = change.current is not None and (change.kind, change.id) not in known
    return new and KINDS[change.kind].created(change.current or {})


def _write(client: OpenWebUI, change: Change) -> _Failed | None:
    """Write one change; return why it was taken back or never begun, None if it is done."""
    kind = KINDS[change.kind]
    if not _is_as_planned(client, kind, change):
        return _Failed(say("somebody changed it since the plan"), meanwhile=True)
    try:
        kind.write(client, change.id, change.current, change.target)
        why = kind.check(client, change.id, change.target)
    except CreateRefused as error:
        return _not_created(client, kind, change, error)
    except Refused as error:
        if change.kind not in CODE or error.status != 400:
            raise
        why = error.detail
    if not why:
        return None
    now = kind.read_one(client, change.id)
    if now != change.current:
        kind.write(client, change.id, now, change.current)
    return _Failed(why)


def _is_as_planned(client: OpenWebUI, kind: Kind, change: Change) -> bool:
    if change.current is None:
        # Elsewhere the server refuses to make it twice.
        return not kind.overwrites or kind.read_one(client, change.id) is None
    return kind.unchanged(change.current, kind.read_one(client, change.id), change.touched)


def _not_created(client: OpenWebUI, kind: Kind, change: Change, error: CreateRefused) -> _Failed:
    """Return why a creation was refused.

    Nothing is taken back: the row came from somebody else. Raises `CreateRefused`.
    """
    if kind.read_one(client, change.id) is not None:
        return _Failed(say("somebody made it since the plan"), meanwhile=True)
    if change.kind not in CODE or error.status != 400:
        raise error
    return _Failed(error.detail)


def unrecorded(plan: Plan, receipts: Receipts) -> Iterable[Change]:
    """Yield resources that are as wanted without a receipt: applied from another machine, or made by hand."""
    known = receipts.known()
    for change in plan.changes:
        if change.seen and not change.pending and (change.kind, change.id) not in known:
            yield change


def verify(plan_again: Callable[[], Plan], client: OpenWebUI, applied: Plan) -> None:
    """Read everything back.

    Raises `InstallError` if something did not take, `Drift` if the gateway is not asked for its models.
    """
    if left := [change.headline for change in plan_again().pending]:
        raise InstallError(
            say("Written, but it reads back differently: {left}.", left="; ".join(left)),
            say("Somebody may have changed it at the same moment; run `sekisho plan` to see what is left."),
        )
    require_gateway_answers(client, applied)
