"""What coding tools are told when they ask the gateway."""

import json
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from gateway.config.section import Section

_LARGEST_BYTES = 64 * 1024

Settings = dict[str, JsonValue]


def _bounded(settings: Settings) -> Settings:
    if len(json.dumps(settings)) > _LARGEST_BYTES:
        raise ValueError(f"is longer than {_LARGEST_BYTES:,} bytes of JSON")
    return settings


class ClaudeCode(Section):
    settings: Annotated[Settings, AfterValidator(_bounded)] = Field({})
    """Claude Code's managed settings, over those that the gateway makes: `env`, `permissions`, …; null removes one."""


class Clients(Section):
    """What coding tools are told when they ask the gateway."""

    claude_code: ClaudeCode = ClaudeCode()
