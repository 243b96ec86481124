"""Agents and pipes as models that people may choose, and what the pipe `agents` needs to know of them."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.secret import Secret
from install.pack.inputs import PlanInputs, model_not_offered, need
from install.pack.manifest.entries import AgentEntry, PipeEntry
from install.pack.plugin import find_plugin
from install.pack.resources.access import reading
from install.pack.resources.kind import Wanted
from install.pack.resources.models import STAMP, decided_otherwise, shown_again
from install.pack.tree import ABSENT, get
from install.pack.tree import Path as LeafPath

AGENTS = "agents"
IDENTITY_SECRET = "${SEKISHO_IDENTITY_SECRET}"


def wanted_agents(inputs: PlanInputs) -> Iterator[Wanted]:
    """Yield the agents and pipes that the manifest publishes as models. Raises `InstallError`."""
    offered = {entry["id"]: entry for entry in inputs.offered if entry.get("mode") == "agent"}
    for index, agent in enumerate(inputs.manifest.agents):
        if agent.url is None and agent.name not in offered:
            raise model_not_offered(agent.name, offered, inputs.manifest.where("agents", index))
        yield _agent(inputs, agent, offered.get(agent.name, {}))
    for pipe in inputs.manifest.pipes:
        if pipe.groups is not None and pipe.name != AGENTS:
            yield from _pipe(inputs, pipe)


def _agent(inputs: PlanInputs, agent: AgentEntry, offered: Mapping[str, Any]) -> Wanted:
    title = f"{agent.icon} {agent.title or agent.name}".strip()
    description = agent.description or offered.get("description")
    more: dict[LeafPath, object] = {}
    if agent.image:
        more[("meta", "profile_image_url")] = agent.image
    if agent.files != "none":
        # The agent gets the files themselves; Open WebUI would add what it finds in them to the question.
        more[("meta", "capabilities", "file_context")] = False
    return _published(inputs, f"{AGENTS}.{menu_id(agent.name)}", title, description, agent.groups, more)


def _pipe(inputs: PlanInputs, pipe: PipeEntry) -> Iterator[Wanted]:
    plugin = find_plugin("pipes", pipe.name, inputs.options.plugins)
    groups = () if pipe.groups in ("all", None) else tuple(pipe.groups)
    if not plugin.is_manifold:
        title, description = pipe.title or plugin.title, pipe.description or plugin.description
        yield _published(inputs, plugin.id, title, description, groups, {})


def _published(
    inputs: PlanInputs,
    id: str,
    title: str,
    description: str | None,
    groups: tuple[str, ...],
    more: Mapping[LeafPath, object],
) -> Wanted:
    row = inputs.there("model", id)
    if kept := decided_otherwise(row):
        return Wanted("model", id, {}, kept=kept)
    leaves: dict[LeafPath, object] = {
        ("name",): title,
        ("meta", "capabilities", "usage"): True,
        ("meta", STAMP, "created"): row is None or get(row, ("meta", STAMP, "created")) is True,
        **({("meta", "description"): description} if description else {}),
        **more,
        **reading(groups, inputs.groups),
        **shown_again(row),
    }
    return Wanted("model", id, leaves)


def menu_id(name: str) -> str:
    """Return the id that the pipe makes of a gateway's model name."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)[:64]


def agent_valves(inputs: PlanInputs) -> dict[str, object]:
    """Return the pipe's valves that follow from the manifest's `agents`. Raises `ManifestError`."""
    agents = inputs.manifest.agents
    direct = [(index, agent) for index, agent in enumerate(agents) if agent.url is not None]
    valves: dict[str, object] = {}
    if len(direct) < len(agents):
        valves["gateway_url"] = inputs.url
    if direct:
        rows = [_row(inputs, index, agent) for index, agent in direct]
        valves["agents"] = json.dumps(rows, ensure_ascii=False, indent=2)
        stored = _stored_keys(inputs)
        keys = {
            menu_id(agent.name): _text(
                need(inputs, agent.key, "agents", index, "key", stored=stored.get(menu_id(agent.name), ABSENT))
            )
            for index, agent in direct
            if agent.key
        }
        valves |= {"keys": Secret(json.dumps(keys))} if keys else {}
    return valves | (
        {"identity_secret": inputs.resolver.value(IDENTITY_SECRET, "", "identity_secret")} if agents else {}
    )


def _stored_keys(inputs: PlanInputs) -> Mapping[str, object]:
    text = get(inputs.there("pipe", AGENTS), ("valves", "keys"))
    try:
        keys = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    return keys if isinstance(keys, dict) else {}


def _row(inputs: PlanInputs, index: int, agent: AgentEntry) -> dict[str, object]:
    options = agent.model_dump(include={"icon", "model", "dialect", "files", "timeout"}, exclude_defaults=True)
    url = _text(need(inputs, agent.url or "", "agents", index, "url"))
    groups = {"groups": list(agent.groups)} if agent.groups else {}
    return {"id": menu_id(agent.name), "name": agent.title or agent.name, "url": url, **options, **groups}


def _text(value: object) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)
