"""Send a probe, and judge what the ledger says about it."""

import time

from install.doctor.finding import Finding, State
from install.doctor.ledger import Row
from install.doctor.probes import Probe, Round
from install.doctor.target import DoctorTarget
from install.errors import OpenWebUIError

SIGNED = ("token", "jwt")
SOURCES = {**dict.fromkeys(SIGNED, State.VERIFIED), "headers": State.ATTRIBUTED, "body": State.CLAIMED}


def examine(round: Round, probe: Probe) -> Finding:
    """Send one probe and look it up."""
    target, text = round.target, round.target.text
    if probe.name in target.skip:
        return Finding(probe.name, State.OFF, text("probe.skipped"))
    if off := probe.off(round):
        return Finding(probe.name, State.OFF, off)
    before, began = target.gateway.ids(), time.time()
    try:
        probe.run(round)
    except OpenWebUIError as error:
        why = str(error) if error.detail is None else error.detail
        return Finding(probe.name, State.FAILED, text("probe.failed", why=why[:300]), text("mend.probe"))
    rows = target.gateway.wait(lambda row: row["request_id"] not in before and probe.rows(round, row), probe.count)
    if rows:
        target.gateway.tell_clock(rows[0], began, time.time())
    return _judged(round, probe, rows)


def _judged(round: Round, probe: Probe, rows: list[Row]) -> Finding:
    target, text = round.target, round.target.text
    mine = [row for row in rows if row["user_id"] == target.me["id"]]
    if not rows:
        found, remedy = probe.silent
        return Finding(probe.name, State.FAILED, text(found), text(remedy))
    if not mine:
        return Finding(probe.name, State.FAILED, _whose(target, rows[0]), text(probe.unknown))
    if len(mine) < probe.count:
        return Finding(probe.name, State.UNKNOWN, text("found.no_tool"), text("mend.tool"))
    if failed := [
        row for row in mine if row.get("outcome", "ok") != "ok" and row.get("error_code") not in probe.passes
    ]:
        said = text("found.outcome", outcome=failed[0]["outcome"])
        return Finding(probe.name, State.FAILED, said, text(probe.failed))
    # The weakest of them counts: a tool round has several.
    order = list(State)
    state = max((SOURCES.get(row["identity_source"], State.FAILED) for row in mine), key=order.index)
    weakest = next(row for row in mine if SOURCES.get(row["identity_source"], State.FAILED) is state)
    who = target.me.get("email") or target.me["id"]
    detail = text("found.who", who=who, source=weakest["identity_source"])
    remedies = {State.ATTRIBUTED: probe.unsigned, State.CLAIMED: probe.unknown, State.FAILED: probe.unknown}
    return Finding(probe.name, state, detail, text(remedies[state]) if state in remedies else "")


def _whose(target: DoctorTarget, row: Row) -> str:
    if row["user_id"] and row["identity_source"] not in ("key", "none"):
        return target.text("found.other", who=row["user_email"] or row["user_id"])
    return target.text("found.nobody")
