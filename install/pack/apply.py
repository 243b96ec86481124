"""Carry a plan out with a receipt, then read everything back."""

from collections.abc import Callable, Iterable, Iterator, Set

from install.errors import NotVerified, PluginsDoNotLoad, Refused
from install.open_webui import OpenWebUI
from install.pack.change import Action, Change, Plan
from install.pack.kinds import KINDS
from install.pack.known import Key
from install.pack.receipt_writer import Writer
from install.pack.receipts import Receipts

PUBLISHING = (Action.NEW, Action.UPGRADE, Action.CHANGE)

CODE = ("filter", "action", "pipe", "tool")


def carry_out(
    client: OpenWebUI, plan: Plan, receipts: Receipts, command: str, on_done: Callable[[Change], None]
) -> str | None:
    """In the plan's order; the receipt's name, None where there was nothing to write.

    A failure leaves the rest undone, and the next run goes on from there. Raises `PluginsDoNotLoad` at the end for
    plugins that the server could not use; those are as they were before.
    """
    seen = list(unrecorded(plan, receipts))
    if not plan.pending and not seen:
        return None
    writer = receipts.begin(command, client.version)
    try:
        for change in seen:
            writer.seen(change, created=KINDS[change.kind].created(change.current or {}))
        failed = dict(_write_all(client, plan.pending, writer, set(receipts.known()), on_done))
        writer.end()
    finally:
        writer.close()
    if failed:
        raise PluginsDoNotLoad(failed)
    return writer.name


def _write_all(
    client: OpenWebUI, changes: Iterable[Change], writer: Writer, known: Set[Key], on_done: Callable[[Change], None]
) -> Iterator[tuple[str, str]]:
    for change in changes:
        step = writer.intend(change, adopted=_adopted(change, known))
        why = _write(client, change)
        if why:
            writer.taken_back(step)
            yield f"{change.kind} {change.id}", why
        else:
            writer.done(step)
            on_done(change)


def _adopted(change: Change, known: Set[Key]) -> bool:
    """Whether another machine's pack brought what this machine has no receipt of."""
    new = change.current is not None and (change.kind, change.id) not in known
    return new and KINDS[change.kind].created(change.current or {})


def _write(client: OpenWebUI, change: Change) -> str | None:
    """Why the server cannot use a plugin, after it was taken back."""
    kind = KINDS[change.kind]
    try:
        kind.write(client, change.id, change.current, change.target)
        why = kind.check(client, change.id, change.target)
    except Refused as error:
        if change.kind not in CODE or error.status != 400:
            raise
        why = error.detail
    if why:
        kind.write(client, change.id, kind.read(client).get(change.id), change.current)
    return why


def unrecorded(plan: Plan, receipts: Receipts) -> Iterable[Change]:
    """What is as wanted without a receipt that says so: applied from another machine, or made by hand."""
    known = receipts.known()
    for change in plan.changes:
        if change.seen and not change.pending and (change.kind, change.id) not in known:
            yield change


def verify(plan_again: Callable[[], Plan], client: OpenWebUI, applied: Plan) -> None:
    """Raises `NotVerified` if something did not take, or Open WebUI does not list a published model."""
    listed = client.refresh_models()
    published = {change.id for change in applied.pending if change.kind == "model" and change.action in PUBLISHING}
    left = [change.headline for change in plan_again().pending]
    left += [f"model {name}: not listed" for name in sorted(published - listed)]
    if left:
        raise NotVerified(left)
