"""Editors and their extensions: what each has to find in its files, or what a person enters in its settings."""

from collections.abc import Sequence
from typing import Any

from install.client.documents.changes import Default, Keyed
from install.client.setup import CLIENT_HEADER, PROVIDER, TITLE, VARIABLE, Model, Setup
from install.client.tool import File
from install.wording import say

_WINDOW = 128_000
_OUTPUT = 8_192
"""Sizes in tokens that are written where the gateway tells none: both tools demand a number."""
_MOST_MODELS = 200


def zed(setup: Setup) -> Sequence[File]:
    models = [_zed_model(each) for each in _chat_models(setup)]
    chosen = {"provider": PROVIDER, "model": setup.model.id}
    small = {"provider": PROVIDER, "model": setup.small.id}
    content: dict[str, Any] = {
        "language_models": {
            "openai_compatible": {PROVIDER: {"api_url": setup.v1, "available_models": Keyed("name", models)}}
        },
        "agent": {
            "default_model": chosen,
            "inline_assistant_model": chosen,
            "commit_message_model": small,
            "thread_summary_model": small,
        },
    }
    if setup.completion:
        api = {"api_url": f"{setup.v1}/completions", "model": setup.completion.id, "max_output_tokens": 256}
        content["edit_predictions"] = {"provider": "open_ai_compatible_api", "open_ai_compatible_api": api}
    return [File(setup.places.config / "zed/settings.json", "json", content)]


def _zed_model(model: Model) -> dict[str, Any]:
    output = {"max_output_tokens": model.output} if model.output else {}
    return {"name": model.id, "display_name": model.id, "max_tokens": model.window or _WINDOW, **output}


def zed_variables(setup: Setup) -> dict[str, str]:
    completing = {"ZED_OPEN_AI_COMPATIBLE_EDIT_PREDICTION_API_KEY": setup.secret()} if setup.completion else {}
    return {VARIABLE: setup.secret(), **completing}


def copilot(setup: Setup) -> Sequence[File]:
    models = Keyed("id", [_copilot_model(each, setup) for each in _chat_models(setup)])
    provider = {
        "name": TITLE,
        "vendor": "customendpoint",
        "apiKey": setup.secret(),
        "apiType": "chat-completions",
        "models": models,
    }
    return [File(setup.places.code / "chatLanguageModels.json", "json", Keyed("name", [provider]))]


def _copilot_model(model: Model, setup: Setup) -> dict[str, Any]:
    output = min(model.output or _OUTPUT, (model.window or _WINDOW) // 2)
    return {
        "id": model.id,
        "name": model.id,
        "url": f"{setup.v1}/chat/completions",
        "toolCalling": True,
        "vision": Default(False),
        "maxInputTokens": (model.window or _WINDOW) - output,
        "maxOutputTokens": output,
    }


def copilot_steps(setup: Setup) -> Sequence[str]:
    return [
        say("Completion while typing stays with GitHub: Copilot asks other servers for its chat alone."),
        say("A company allows models of its own in GitHub's Copilot policies."),
    ]


def roo_code(setup: Setup) -> Sequence[File]:
    imported = setup.places.config / "sekisho" / "roo-code.json"
    names = {"architect": setup.model, "code": setup.model, "ask": setup.small}
    profiles = {each.id: _roo_profile(each, setup) for each in (setup.model, setup.small)}
    content = {
        "providerProfiles": {
            "currentApiConfigName": f"{TITLE} {setup.model.id}",
            "apiConfigs": {f"{TITLE} {name}": profile for name, profile in profiles.items()},
            "modeApiConfigs": {mode: profiles[model.id]["id"] for mode, model in names.items()},
        }
    }
    pointer = {"roo-cline.autoImportSettingsPath": str(imported)}
    return [File(imported, "json", content), File(setup.places.code / "settings.json", "json", pointer)]


def _roo_profile(model: Model, setup: Setup) -> dict[str, Any]:
    sizes = {"contextWindow": model.window or _WINDOW, "maxTokens": model.output or -1, "supportsPromptCache": True}
    return {
        "id": f"{PROVIDER}-{model.id}",
        "apiProvider": "openai",
        "openAiBaseUrl": setup.v1,
        "openAiApiKey": setup.secret(),
        "openAiModelId": model.id,
        "openAiCustomModelInfo": sizes,
        "openAiHeaders": {CLIENT_HEADER: "roo-code"},
    }


def roo_code_steps(setup: Setup) -> Sequence[str]:
    return [say("Restart VS Code: Roo Code reads the file at its start.")]


def llama_vscode(setup: Setup) -> Sequence[File]:
    completing = setup.completion or setup.model
    content = {
        "llama-vscode.endpoint": setup.root,
        "llama-vscode.api_key": setup.secret(),
        "llama-vscode.ai_model": completing.id,
        "llama-vscode.openai_client_model": completing.id,
        "llama-vscode.endpoint_chat": setup.root,
        "llama-vscode.api_key_chat": setup.secret(),
    }
    return [File(setup.places.code / "settings.json", "json", content)]


def llama_vscode_steps(setup: Setup) -> Sequence[str]:
    if setup.completion:
        return []
    return [say("This key may use no model for code completion: ask an administrator for one with `mode: completion`.")]


def jetbrains_steps(setup: Setup) -> Sequence[str]:
    return [
        say("Open Settings > Tools > AI Assistant > Providers & API keys and choose OpenAI-compatible."),
        say("URL: {url}", url=setup.v1),
        say("API key: {key}; --show-key prints all of it.", key=setup.secret()),
        say("Model: {model}; switch tool calling on.", model=setup.model.id),
        say("Model for quick tasks, such as commit messages: {model}.", model=setup.small.id),
    ]


def cursor_steps(setup: Setup) -> Sequence[str]:
    return [
        say(
            "Cursor's own servers call the gateway: it works only where {url} is reachable from the internet.",
            url=setup.root,
        ),
        say(
            "Open Settings > Models, enter {key} as OpenAI API key (--show-key prints all of it), "
            "and {url} at Override OpenAI Base URL.",
            key=setup.secret(),
            url=setup.v1,
        ),
        say("Add the model {model} by its name. Names with claude are intercepted by Cursor.", model=setup.model.id),
        say("Tab, inline edit and Cursor's command line cannot be pointed to another server."),
    ]


def _chat_models(setup: Setup) -> list[Model]:
    chat = [each for each in setup.models if each.mode in ("chat", "agent")][:_MOST_MODELS]
    return list({each.id: each for each in (setup.model, setup.small, *chat)}.values())
