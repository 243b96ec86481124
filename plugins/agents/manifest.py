"""Agents of the valve `agents`."""

import json
from contextlib import suppress
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field, PrivateAttr, ValidationError

from plugins.shared.log import log

MISTAKE_ID = "settings"
MISTAKE_NAME = "⚠ エージェントの設定に誤りがあります / The settings of the agents have a mistake"
MOST_AGENTS = 200
LONGEST_MANIFEST = 500_000  # characters


class Agent(BaseModel, extra="forbid"):
    """One agent of the manifest. `url` is what stands before /chat/completions or /responses; it may have a query."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    name: str = Field(min_length=1, max_length=100)
    url: str = Field(pattern=r"^https?://[^\s/?#@]+[^\s#]*$")
    model: str = ""
    dialect: Literal["chat", "responses"] = "chat"
    icon: str = Field("", max_length=8)
    description: str = ""
    groups: list[str] = []
    files: Literal["none", "text", "bytes"] = "none"
    timeout: float = Field(600.0, ge=1, le=86_400)
    _of_gateway: bool = PrivateAttr(default=False)


class Menu(NamedTuple):
    agents: dict[str, Agent]
    mistakes: tuple[str, ...]


def mistake(number: int, row: Any, problem: Any) -> str:
    """Format an error: agent 2 (finder), dialect: Input should be 'chat' or 'responses'"""
    known = f" ({str(row.get('id'))[:64]})" if isinstance(row, dict) and row.get("id") else ""
    where = "".join(f", {part}" for part in problem["loc"])
    return f"agent {number}{known}{where}: {problem['msg']}"


def rows_of(manifest: str) -> tuple[list[Any], list[str]]:
    if len(manifest) > LONGEST_MANIFEST:
        return [], [f"it is longer than {LONGEST_MANIFEST:,} characters"]
    try:
        rows = json.loads(manifest.strip() or "[]")
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}, column {error.colno}: " if isinstance(error, json.JSONDecodeError) else ""
        return [], [f"{where}this is not JSON ({getattr(error, 'msg', error)})"]
    if not isinstance(rows, list):
        return [], ["it is not a list: [ {…}, {…} ]"]
    if len(rows) > MOST_AGENTS:
        return rows[:MOST_AGENTS], [f"it has more than {MOST_AGENTS} agents; the rest is left out"]
    return rows, []


@lru_cache(maxsize=8)
def menu_of(manifest: str) -> Menu:
    """Parse the valve, once for each of its texts; mistakes go to the log and do not hide the other agents."""
    rows, mistakes = rows_of(manifest)
    agents: dict[str, Agent] = {}
    for number, row in enumerate(rows, 1):
        try:
            agent = Agent.model_validate(row)
        except ValidationError as error:
            mistakes += [mistake(number, row, problem) for problem in error.errors()]
            continue
        if agent.id in agents or agent.id == MISTAKE_ID:
            mistakes.append(f"agent {number}: the id {agent.id} is taken")
        agents.setdefault(agent.id, agent)
    for line in mistakes:
        log.error("agents: the valve `agents` has a mistake: %s", line)
    agents.pop(MISTAKE_ID, None)
    return Menu(agents, tuple(mistakes))


@lru_cache(maxsize=8)
def keys_of(keys: str) -> dict[str, str]:
    """Parse `id=key` lines or a JSON object."""
    with suppress(ValueError, RecursionError):
        read = json.loads(keys)
        return {str(id): str(key) for id, key in read.items()} if isinstance(read, dict) else {}
    pairs = (line.partition("=") for line in keys.splitlines())
    return {id.strip(): key.strip() for id, equals, key in pairs if equals and id.strip()}
