"""Whether the parts are there, agree with each other, and are as the manifest wants them."""

import time
from collections.abc import Callable

import httpx2

from gateway.secret import Secret
from install.doctor.finding import Finding, State
from install.doctor.target import DoctorTarget
from install.errors import GatewayError, OpenWebUIError
from install.open_webui.session import MINIMUM, TESTED
from install.pack.tree import Json

HOUR = 3600
CLOCK_WARNS, CLOCK_FAILS = 5, 25
"""Seconds. The gateway allows a signature 30."""

SWITCHES = ("enable_plugins", "enable_functions", "enable_tools")


def open_webui(target: DoctorTarget) -> Finding:
    text, version = target.text, target.client.version
    if version.startswith(f"{TESTED}."):
        return Finding("open_webui", State.OK, text("version.tested", version=version))
    detail = text("version.untested", version=version, tested=TESTED, oldest=MINIMUM)
    return Finding("open_webui", State.WARNING, detail, text("mend.version", tested=TESTED))


def gateway(target: DoctorTarget) -> Finding:
    why = target.gateway.healthy()
    if why:
        return Finding("gateway", State.FAILED, why, target.text("mend.gateway"))
    return Finding("gateway", State.OK, target.text("gateway.up", url=target.gateway.url))


def gateway_inside(target: DoctorTarget) -> Finding:
    text, connection = target.text, target.connection
    if connection is None:
        return Finding("gateway_inside", State.FAILED, text("not.installed"), text("mend.install"))
    try:
        models = target.client.models_behind(connection["url"], Secret(connection["key"]))
    except GatewayError as error:
        return Finding("gateway_inside", State.FAILED, "", text("mend.gateway_inside", why=error))
    return Finding("gateway_inside", State.OK, text("gateway.models", count=len(models), url=connection["url"]))


def tool_servers(target: DoctorTarget) -> Finding:
    text = target.text
    if target.hub is None:
        return Finding("tool_servers", State.OFF, text("hub.none"))
    try:
        tools = target.client.paths.tools(target.hub["info"]["id"])
    except OpenWebUIError:
        return Finding("tool_servers", State.FAILED, text("hub.silent", url=target.hub["url"]), text("mend.hub"))
    return Finding("tool_servers", State.OK, text("hub.tools", count=len(tools), url=target.hub["url"]))


def plugins(target: DoctorTarget) -> Finding:
    features, text = target.client.paths.features(), target.text
    if not any(name in features for name in SWITCHES):
        return Finding("plugins", State.OK, text("plugins.unknown"))
    off = [name.upper() for name in SWITCHES if features.get(name) is False]
    if off:
        return Finding("plugins", State.FAILED, text("plugins.off", names=", ".join(off)), text("mend.plugins"))
    return Finding("plugins", State.OK)


def functions(target: DoctorTarget) -> Finding:
    text, rows = target.text, target.pack_functions()
    off = [row["id"] for row in rows if not row["is_active"]]
    if off:
        return Finding("functions", State.FAILED, text("functions.off", names=", ".join(off)), text("mend.functions"))
    if not rows:
        return Finding("functions", State.OFF, text("functions.none"))
    return Finding("functions", State.OK, text("functions.count", count=len(rows)))


def drift(target: DoctorTarget) -> Finding:
    text, plan = target.text, target.plan
    if plan is None:
        return Finding("drift", State.UNKNOWN, target.plan_error)
    if not plan.pending and not plan.blocked:
        return Finding("drift", State.OK, text("drift.none", count=len(plan.unchanged)))
    detail = text("drift.some", pending=len(plan.pending), blocked=len(plan.blocked))
    return Finding("drift", State.WARNING, detail, text("mend.drift"))


def clock(target: DoctorTarget) -> Finding:
    """Compare the clocks; runs after the probes, whose records tell the gateway's time."""
    text = target.text
    server_time, ours = target.client.clock(), time.time()
    if server_time is None or target.gateway.clock is None:
        return Finding("clock", State.UNKNOWN, text("clock.unknown"))
    # The header has whole seconds: half a second is the middle of what it may mean.
    apart = {"open_webui": server_time + 0.5 - ours, "gateway": target.gateway.clock}
    worst = max(*map(abs, apart.values()), abs(apart["open_webui"] - apart["gateway"]))
    state = State.FAILED if worst > CLOCK_FAILS else State.WARNING if worst > CLOCK_WARNS else State.OK
    detail = text("clock.apart", **{name: round(seconds) for name, seconds in apart.items()})
    return Finding("clock", state, detail, "" if state is State.OK else text("mend.clock"))


def secret(target: DoctorTarget) -> Finding:
    text, row = target.text, target.functions.get("user_identity")
    if row is None:
        return Finding("secret", State.OFF, text("secret.no_filter"), text("mend.sign"))
    valve = (row.get("valves") or {}).get("secret")
    if not valve:
        return Finding("secret", State.FAILED, text("secret.unset"), text("mend.secret"))
    if target.connection is None:
        return Finding("secret", State.UNKNOWN, text("not.installed"))
    return _accepted(target, valve, target.connection)


def _accepted(target: DoctorTarget, valve: str, connection: Json) -> Finding:
    text = target.text
    try:
        status, code = target.gateway.accepts(Secret(connection["key"]), valve, target.me)
    except httpx2.HTTPError as error:
        return Finding("secret", State.UNKNOWN, str(error), text("mend.gateway"))
    if status == 200:
        return Finding("secret", State.OK, text("secret.same"))
    if code == "invalid_identity":
        return Finding("secret", State.FAILED, text("secret.differs"), text("mend.secret"))
    if status in (401, 403):
        return Finding("secret", State.FAILED, text("secret.key"), text("mend.secret_key"))
    return Finding("secret", State.UNKNOWN, text("secret.answer", status=status))


def valves(target: DoctorTarget) -> Finding:
    text = target.text
    # One of ours with valves of the person's own; its kind does not matter.
    filter_id = next((row["id"] for row in target.pack_functions() if row["meta"].get("toggle")), None)
    encrypted = target.client.paths.encrypts_valves(filter_id) if filter_id else None
    if encrypted is None:
        return Finding("valves", State.UNKNOWN, text("valves.untold"))
    if encrypted:
        return Finding("valves", State.OK)
    return Finding("valves", State.WARNING, text("valves.plain"), text("mend.valves"))


def ledger(target: DoctorTarget) -> Finding:
    try:
        rows = target.gateway.records(time.time() - HOUR)
    except GatewayError as error:
        return Finding("ledger", State.FAILED, "", target.text("mend.ledger", why=error))
    target.ledger_open = True
    return Finding("ledger", State.OK, target.text("ledger.open", count=len(rows)))


CHECKS: tuple[Callable[[DoctorTarget], Finding], ...] = (
    open_webui,
    gateway,
    gateway_inside,
    tool_servers,
    plugins,
    functions,
    drift,
    secret,
    valves,
    ledger,
)
