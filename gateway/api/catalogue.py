"""Codex' catalogue of models, which it asks for with `GET /v1/models?client_version=…` and keeps.

It tells the window, the efforts and the tools of models that Codex does not know. Source: openai/codex, codex-rs,
`ModelInfo`; tried with Codex 0.171.
"""

from typing import Any

from gateway.config.models import Model
from gateway.profiles.profile import Profile
from gateway.routing.routes import Routes

MODES = ("chat", "agent")
"""Modes of models that Codex can work with."""
_WINDOW = 128_000
"""Assumed where the configuration names none: Codex shortens the conversation before it is full."""
_EFFORTS = ("low", "medium", "high")
"""Of models whose family's are not known."""
_WORDS = {
    "none": "No reasoning",
    "minimal": "Fastest, hardly any reasoning",
    "low": "Fast, little reasoning",
    "medium": "A balance of speed and reasoning",
    "high": "Thorough reasoning for hard problems",
    "xhigh": "More reasoning for the hardest problems",
    "max": "As much reasoning as the model can do",
}
_TRUNCATION = {"mode": "tokens", "limit": 10_000}

INSTRUCTIONS = """\
You are a coding agent. You work in the user's project through the tools that you are given, and you go on until the \
task is done or you need something that only the user can tell.

# How to work
- Look before you change: read the files that matter, search with `rg` or `grep`, and follow the style of the project.
- Read files that an instruction file such as AGENTS.md names, and do what it says for the folders below it.
- Make the smallest change that solves the problem at its root. Leave alone what the task does not concern.
- Change files with `apply_patch` where you have it. Never guess the content of a file that you have not read.
- Call tools in parallel where one does not need the result of another.
- After a change, run the tests, the type checker or the program, as the project has them, and mend what fails.
- Never delete or overwrite work that you did not do, commit, or push, unless you were asked to.
- If a command fails, read what it says, and try another way. Do not repeat the same call.

# How to speak
- Before a longer piece of work, say in one sentence what you are about to do.
- At the end, say briefly what you changed, in which files, how you checked it, and what is left.
- Answer in the user's language. Name files with their paths. Do not repeat whole files.
"""


def catalogue(models: list[Model], routes: Routes) -> dict[str, Any]:
    """Return the models that Codex can work with, in the order of the configuration."""
    fitting = [model for model in models if model.mode in MODES]
    return {"models": [_entry(model, number, routes) for number, model in enumerate(fitting, 1)]}


def _entry(model: Model, number: int, routes: Routes) -> dict[str, Any]:
    profile = routes.targets[model.name][0].profile
    efforts = _efforts(profile)
    return {
        "slug": model.name,
        "display_name": model.name,
        "description": model.description or model.name,
        "default_reasoning_level": _default(efforts),
        "supported_reasoning_levels": [{"effort": each, "description": _WORDS[each]} for each in efforts],
        "shell_type": "shell_command",
        "visibility": "list",
        "supported_in_api": True,
        "priority": number,
        "upgrade": None,
        "base_instructions": INSTRUCTIONS,
        "supports_reasoning_summaries": profile.thinking != "none",
        "support_verbosity": False,
        "default_verbosity": None,
        "apply_patch_tool_type": "freeform",
        "truncation_policy": _TRUNCATION,
        "supports_parallel_tool_calls": True,
        "context_window": model.context_window or _WINDOW,
        "experimental_supported_tools": [],
    }


def _efforts(profile: Profile) -> list[str]:
    """Return the efforts that a person may choose from; none for a model that does not reason."""
    if profile.thinking == "none":
        return []
    return [each for each in profile.efforts or _EFFORTS if each in _WORDS]


def _default(efforts: list[str]) -> str | None:
    return "medium" if "medium" in efforts else (efforts[-1] if efforts else None)
