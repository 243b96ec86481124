"""Libraries and servers that call the gateway."""

from collections.abc import Sequence
from typing import Any

from install.client.documents.changes import Default, Keyed
from install.client.setup import CLIENT_HEADER, TITLE, VARIABLE, Setup
from install.client.tool import File
from install.wording import say


def openai_variables(setup: Setup) -> dict[str, str]:
    return {"OPENAI_BASE_URL": setup.v1, "OPENAI_API_KEY": setup.secret()}


def openai_sdk(setup: Setup) -> Sequence[File]:
    return [File(setup.places.here / ".env", "env", openai_variables(setup))]


def openai_steps(setup: Setup) -> Sequence[str]:
    return [say("Load .env, and ask for the model {model}.", model=setup.model.id)]


def anthropic_variables(setup: Setup) -> dict[str, str]:
    return {"ANTHROPIC_BASE_URL": setup.root, "ANTHROPIC_API_KEY": setup.secret()}


def anthropic_sdk(setup: Setup) -> Sequence[File]:
    return [File(setup.places.here / ".env", "env", anthropic_variables(setup))]


def librechat(setup: Setup) -> Sequence[File]:
    endpoint: dict[str, Any] = {
        "name": TITLE,
        "apiKey": f"${{{VARIABLE}}}",
        "baseURL": setup.v1,
        "models": {"default": [setup.model.id], "fetch": True},
        "titleConvo": True,
        "titleModel": setup.small.id,
        "headers": {CLIENT_HEADER: "librechat"},
    }
    content = {"version": Default("1.2.1"), "endpoints": {"custom": Keyed("name", [endpoint])}}
    here = setup.places.here
    return [
        File(here / "librechat.yaml", "yaml", content),
        File(here / ".env", "env", {VARIABLE: setup.secret()}),
    ]


def librechat_steps(setup: Setup) -> Sequence[str]:
    return [
        say("Run this in LibreChat's folder, and start LibreChat anew."),
        say("All people of LibreChat then share one key: give it one of its own, with its own budget."),
    ]


def n8n_steps(setup: Setup) -> Sequence[str]:
    return [
        say("Create a credential of the type OpenAI."),
        say("API key: {key}; --show-key prints all of it.", key=setup.secret()),
        say("Base URL: {url}", url=setup.v1),
        say("In the node OpenAI Chat Model choose the model {model} by its id.", model=setup.model.id),
    ]


def n8n_credential(setup: Setup) -> Sequence[File]:
    """Return a file for `n8n import:credentials`, which a company can roll out."""
    data = {
        "apiKey": setup.secret(f"={{{{ $env.{VARIABLE} }}}}"),
        "url": setup.v1,
        "header": True,
        "headerName": CLIENT_HEADER,
        "headerValue": "n8n",
    }
    credential = {"id": "sekisho", "name": TITLE, "type": "openAiApi", "data": data}
    return [File(setup.places.here / "n8n-credentials.json", "json", Keyed("id", [credential]))]
