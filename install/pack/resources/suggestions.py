"""Starter prompts of an empty chat."""

from collections.abc import Iterator
from typing import Any

from install.pack.inputs import PlanInputs
from install.pack.manifest.entries import SuggestionEntry, SuggestionTexts
from install.pack.resources.kind import Wanted

GROUP = "suggestions"


def wanted_suggestions(inputs: PlanInputs) -> Iterator[Wanted]:
    """Yield the starter prompts as one setting: Open WebUI keeps them as a list, and one by locale."""
    entries = inputs.manifest.suggestions
    if not entries:
        return
    locales = dict.fromkeys(locale for entry in entries for locale in entry.i18n)
    translated = {
        locale: {"suggestion_prompts": [_shown(entry.i18n.get(locale) or entry) for entry in entries]}
        for locale in locales
    }
    values: dict[tuple[str, ...], object] = {
        ("ui.prompt_suggestions",): [_shown(entry) for entry in entries],
        ("ui.prompt_suggestions_i18n",): translated,
    }
    yield Wanted("setting", GROUP, values)


def _shown(entry: SuggestionEntry | SuggestionTexts) -> dict[str, Any]:
    return {"title": [entry.title, entry.subtitle], "content": entry.content}
