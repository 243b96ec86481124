"""A model as a tool's configuration names it, and the choice of one for quick tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """A model that the key may use. Sizes in tokens, None where the gateway does not tell."""

    id: str
    mode: str = "chat"
    window: int | None = None
    output: int | None = None

    @property
    def is_claude(self) -> bool:
        """Return whether Anthropic's tools know it by its name."""
        return "claude" in self.id.lower()


CONVERSING = ("chat", "agent")
"""Modes of models for the work itself."""


def cheapest(models: Sequence[Model], prices: Mapping[str, float], main: Model) -> Model:
    """Return the cheapest model for conversations that costs less than the main one, else the main one."""
    if main.id not in prices:
        return main
    chat = [each for each in models if each.mode == "chat" and each.id in prices]
    return min([main, *chat], key=lambda model: prices[model.id])
