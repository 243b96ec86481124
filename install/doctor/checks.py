"""Whether the parts are there, agree with each other, and are as the manifest wants them."""

import time
from collections.abc import Callable

import httpx2

from gateway.secret import Secret
from install.doctor.finding import Finding, State
from install.doctor.patient import Patient
from install.errors import GatewayError
from install.open_webui.session import MINIMUM, TESTED
from install.pack.tree import Json

HOUR = 3600
CLOCK_WARNS, CLOCK_FAILS = 5, 25
"""Seconds. The gateway allows a signature 30."""

SWITCHES = ("enable_plugins", "enable_functions", "enable_tools")


def open_webui(patient: Patient) -> Finding:
    text, version = patient.text, patient.client.version
    if version.startswith(f"{TESTED}."):
        return Finding("open_webui", State.OK, text("version.tested", version=version))
    detail = text("version.untested", version=version, tested=TESTED, oldest=MINIMUM)
    return Finding("open_webui", State.WARNING, detail, text("mend.version", tested=TESTED))


def gateway(patient: Patient) -> Finding:
    why = patient.gateway.healthy()
    if why:
        return Finding("gateway", State.FAILED, why, patient.text("mend.gateway"))
    return Finding("gateway", State.OK, patient.text("gateway.up", url=patient.gateway.url))


def gateway_inside(patient: Patient) -> Finding:
    text, connection = patient.text, patient.connection
    if connection is None:
        return Finding("gateway_inside", State.FAILED, text("not.installed"), text("mend.install"))
    try:
        models = patient.client.models_behind(connection["url"], Secret(connection["key"]))
    except GatewayError as error:
        return Finding("gateway_inside", State.FAILED, "", text("mend.gateway_inside", why=error))
    return Finding("gateway_inside", State.OK, text("gateway.models", count=len(models), url=connection["url"]))


def plugins(patient: Patient) -> Finding:
    features, text = patient.client.paths.features(), patient.text
    if not any(name in features for name in SWITCHES):
        return Finding("plugins", State.OK, text("plugins.unknown"))
    off = [name.upper() for name in SWITCHES if features.get(name) is False]
    if off:
        return Finding("plugins", State.FAILED, text("plugins.off", names=", ".join(off)), text("mend.plugins"))
    return Finding("plugins", State.OK)


def functions(patient: Patient) -> Finding:
    text, rows = patient.text, patient.pack_functions()
    off = [row["id"] for row in rows if not row["is_active"]]
    if off:
        return Finding("functions", State.FAILED, text("functions.off", names=", ".join(off)), text("mend.functions"))
    if not rows:
        return Finding("functions", State.OFF, text("functions.none"))
    return Finding("functions", State.OK, text("functions.count", count=len(rows)))


def drift(patient: Patient) -> Finding:
    text, plan = patient.text, patient.plan
    if plan is None:
        return Finding("drift", State.UNKNOWN, patient.plan_error)
    if not plan.pending and not plan.blocked:
        return Finding("drift", State.OK, text("drift.none", count=len(plan.unchanged)))
    detail = text("drift.some", pending=len(plan.pending), blocked=len(plan.blocked))
    return Finding("drift", State.WARNING, detail, text("mend.drift"))


def clock(patient: Patient) -> Finding:
    """After the probes, whose records tell the gateway's time."""
    text = patient.text
    told, ours = patient.client.clock(), time.time()
    if told is None or patient.gateway.clock is None:
        return Finding("clock", State.UNKNOWN, text("clock.unknown"))
    # The header has whole seconds: half a second is the middle of what it may mean.
    apart = {"open_webui": told + 0.5 - ours, "gateway": patient.gateway.clock}
    worst = max(*map(abs, apart.values()), abs(apart["open_webui"] - apart["gateway"]))
    state = State.FAILED if worst > CLOCK_FAILS else State.WARNING if worst > CLOCK_WARNS else State.OK
    detail = text("clock.apart", **{name: round(seconds) for name, seconds in apart.items()})
    return Finding("clock", state, detail, "" if state is State.OK else text("mend.clock"))


def secret(patient: Patient) -> Finding:
    text, row = patient.text, patient.functions.get("user_identity")
    if row is None:
        return Finding("secret", State.OFF, text("secret.no_filter"), text("mend.sign"))
    valve = (row.get("valves") or {}).get("secret")
    if not valve:
        return Finding("secret", State.FAILED, text("secret.unset"), text("mend.secret"))
    if patient.connection is None:
        return Finding("secret", State.UNKNOWN, text("not.installed"))
    return _accepted(patient, valve, patient.connection)


def _accepted(patient: Patient, valve: str, connection: Json) -> Finding:
    text = patient.text
    try:
        status, code = patient.gateway.accepts(Secret(connection["key"]), valve, patient.me)
    except httpx2.HTTPError as error:
        return Finding("secret", State.UNKNOWN, str(error), text("mend.gateway"))
    if status == 200:
        return Finding("secret", State.OK, text("secret.same"))
    if code == "invalid_identity":
        return Finding("secret", State.FAILED, text("secret.differs"), text("mend.secret"))
    if status in (401, 403):
        return Finding("secret", State.FAILED, text("secret.key"), text("mend.secret_key"))
    return Finding("secret", State.UNKNOWN, text("secret.answer", status=status))


def valves(patient: Patient) -> Finding:
    text = patient.text
    # One of ours with valves of the person's own; its kind does not matter.
    some = next((row["id"] for row in patient.pack_functions() if row["meta"].get("toggle")), None)
    encrypted = patient.client.paths.encrypts_valves(some) if some else None
    if encrypted is None:
        return Finding("valves", State.UNKNOWN, text("valves.untold"))
    if encrypted:
        return Finding("valves", State.OK)
    return Finding("valves", State.WARNING, text("valves.plain"), text("mend.valves"))


def ledger(patient: Patient) -> Finding:
    try:
        rows = patient.gateway.records(time.time() - HOUR)
    except GatewayError as error:
        return Finding("ledger", State.FAILED, "", patient.text("mend.ledger", why=error))
    patient.ledger_open = True
    return Finding("ledger", State.OK, patient.text("ledger.open", count=len(rows)))


CHECKS: tuple[Callable[[Patient], Finding], ...] = (
    open_webui,
    gateway,
    gateway_inside,
    plugins,
    functions,
    drift,
    secret,
    valves,
    ledger,
)
