"""Who answers for each published model: read back means that the gateway is asked, with the identity headers."""

from collections.abc import Mapping
from dataclasses import replace

from httpx2 import URL, InvalidURL

from install.errors import Drift
from install.open_webui import OpenWebUI
from install.pack.engine.change import Action, Change, Plan
from install.pack.resources.agents import AGENTS
from install.pack.resources.connections import address, entries
from install.pack.tree import Json
from install.wording import say


def mark_wrong_answers(client: OpenWebUI, plan: Plan) -> Plan:
    """Return the plan with every model blocked that is published already and that not the gateway answers for."""
    wrong = wrong_answers(client, plan)
    return replace(plan, changes=tuple(_told(change, wrong) for change in plan.changes))


def require_gateway_answers(client: OpenWebUI, plan: Plan) -> None:
    """Check that the gateway answers for every published model. Raises `Drift`."""
    if wrong := wrong_answers(client, plan):
        models = "; ".join(say("model {name}: {why}", name=name, why=why) for name, why in wrong.items())
        raise Drift(
            say("Published, but not answered by the gateway: {models}.", models=models),
            say("Mend that in Open WebUI; `sekisho status` looks again."),
        )


def wrong_answers(client: OpenWebUI, plan: Plan) -> dict[str, str]:
    """Return why, by model. Open WebUI asks every connection anew for it."""
    models = [change for change in plan.changes if _is_published(change)]
    if not models or not plan.gateway:
        return {}
    listed, config = client.refresh_models(), client.connections()
    pipes = {change.id for change in plan.changes if change.kind == "pipe"}
    reasons = {
        change.id: _pipe(listed.get(change.id))
        if change.id in pipes or change.id.startswith(f"{AGENTS}.")
        else _gateway(change.id, listed.get(change.id), config, plan.gateway)
        for change in models
    }
    return {name: why for name, why in reasons.items() if why}


def _told(change: Change, wrong: Mapping[str, str]) -> Change:
    if change.kind != "model" or change.current is None or change.id not in wrong:
        return change
    return replace(change, action=Action.NOT_ANSWERED, blocked=True, details=(wrong[change.id], *change.details))


def _is_published(change: Change) -> bool:
    if change.action is Action.NOT_LISTED:
        return False
    row = change.target if change.pending else change.current
    return change.kind == "model" and row is not None and row.get("is_active", True) and not row.get("base_model_id")


def _pipe(row: Json | None) -> str | None:
    if row is None:
        return say("Open WebUI does not list it: switch its function on, or look into the log")
    return None if row.get("pipe") else say("{who} answers instead of the function", who=_who(row, []))


def _gateway(name: str, row: Json | None, config: Json, gateway: str) -> str | None:
    found = entries(config)
    position = next((index for index, entry in enumerate(found) if address(entry.url) == gateway), None)
    if row is None:
        settings = (found[position].settings or {}) if position is not None else {}
        if settings.get("model_ids"):
            return say(
                "the connection's own list of models leaves it out: empty that in Admin > Settings > Connections"
            )
        return say("Open WebUI does not list it: look at the gateway's connection in Admin > Settings > Connections")
    ours = position is not None and row.get("urlIdx") == position and row.get("owned_by") == "openai"
    if ours and not row.get("pipe"):
        return None
    who = _who(row, [entry.url for entry in found])
    return say("{who} answers, without the gateway's identity headers: take that away, or give it a prefix", who=who)


def _who(row: Json, urls: list[str]) -> str:
    if row.get("pipe"):
        return say("a function of this name")
    if row.get("owned_by") == "ollama":
        return say("an Ollama model of this name")
    index = row.get("urlIdx")
    if isinstance(index, int) and index < len(urls):
        return say("the connection {url}", url=_shown(urls[index]))
    return say("something else of this name")


def _shown(url: str) -> str:
    """Return the address without its password."""
    try:
        return str(URL(url).copy_with(userinfo=b""))
    except InvalidURL:
        return say("with an unusable address")
