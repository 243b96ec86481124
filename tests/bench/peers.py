"""Who is measured: a row each. All answer the same requests, from the same upstreams, on one core."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jwt
from ruamel.yaml import YAML

from tests.bench import nginx
from tests.bench.answers import ask
from tests.bench.install import Unavailable, debian, npm_package, python_package
from tests.fakes.serving import free_port

OURS = "sekisho"
UNGOVERNED = "ungoverned"
"""Our gateway without what governs: what limits, records and metrics cost is told beside it."""
CHAT_PATH = "/v1/chat/completions"
IDENTITIES = 1000
"""Persons that ask us in turn, each with a token of their own: no cache of ours sees only one."""
_SECRET = "identity-secret-of-the-bench-0123456789"
_TOKEN_SECONDS = 6 * 3600
_JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Place:
    """Where a peer starts: its folder, the ports of the two upstreams, and whose gateway is ours."""

    folder: Path
    static: list[int]
    """Two ports of the upstream that answers at once."""
    paced: list[int]
    """Two ports of the upstream that streams."""
    source: Path
    """The folder that holds our `gateway/`."""


@dataclass(frozen=True)
class Way:
    """How a peer is asked for one of the upstreams."""

    port: int
    model: str
    headers: Mapping[str, str]
    tokens: tuple[str, ...] = ()
    """Signed identities, for the body of our requests."""

    def bodies(self, prompt: str, most: int | None = None, **more: object) -> list[bytes]:
        """A request, or as many as there are identities, at `most` so many."""
        if not self.tokens:
            return [ask(self.model, prompt, **more)]
        return [ask(self.model, prompt, **more, sekisho_identity=token) for token in self.tokens[:most]]


@dataclass(frozen=True)
class Command:
    arguments: list[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None


@dataclass(frozen=True)
class Launch:
    """What to start, and how it is asked then."""

    commands: list[Command]
    static: Way
    paced: Way
    start_seconds: float = 20
    """How long it may take until its first answer."""


@dataclass(frozen=True)
class Peer:
    """`prepare` installs what is missing and writes the configuration; raises `Unavailable`."""

    name: str
    version: str
    note: str
    prepare: Callable[[Place], Launch]


def _nginx(place: Place) -> Launch:
    one, other = free_port(), free_port()
    arguments = nginx.proxy(place.folder, {one: place.static, other: place.paced})
    command = Command([debian("nginx", "nginx-light"), *arguments])
    return Launch([command], Way(one, "small", _JSON), Way(other, "paced", _JSON))


def _sekisho(place: Place, module: str = "gateway") -> Launch:
    """Everything on: key, globs, limits, budget, signed identity, two deployments, ledger."""
    file, port = place.folder / "sekisho.yaml", free_port()
    config = {
        "server": {"port": port},
        "data_dir": "data",
        "open_webui": {"identity_secret": _SECRET},
        "admin_key": "admin-of-the-bench",
        "models": [_model("small", place.static), _model("paced", place.paced)],
    }
    place.folder.mkdir(parents=True, exist_ok=True)
    with file.open("w") as output:
        YAML().dump(config, output)
    headers = {**_JSON, "authorization": f"Bearer {_key(file, place.source)}", "user-agent": "Open WebUI"}
    tokens = tuple(identity(number) for number in range(IDENTITIES))
    command = Command([sys.executable, "-m", module, "serve", "--config", str(file)], cwd=place.source)
    return Launch([command], Way(port, "small", headers, tokens), Way(port, "paced", headers, tokens))


def _ungoverned(place: Place) -> Launch:
    return _sekisho(place, "tests.bench.ungoverned")


def _model(name: str, ports: list[int]) -> dict[str, object]:
    deployments = [
        {
            "provider": "openai-compatible",
            "base_url": f"http://127.0.0.1:{port}/v1",
            "model": "upstream-model",
            "api_key": "sk-upstream",
            "max_concurrency": 512,
        }
        for port in ports
    ]
    return {"name": name, "price": {"input": 0.25, "output": 2.0, "cached_input": 0.025}, "deployments": deployments}


def _key(config: Path, source: Path) -> str:
    """A key with every limit set, so high that nothing is refused."""
    options = "--alias bench --team bench --identity open-webui --model sm* --model pac* --network 127.0.0.0/8"
    limits = "--requests-per-minute 100000000 --tokens-per-minute 2000000000 --parallel-requests 100000"
    budget = "--budget-usd 10000000 --budget-per month"
    arguments = ["keys", "create", *options.split(), *limits.split(), *budget.split(), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *arguments, "--config", str(config)],
        capture_output=True,
        text=True,
        cwd=source,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"no key could be made: {done.stderr.strip()[-300:]}")
    return str(json.loads(done.stdout)["key"])


def identity(number: int) -> str:
    """A person's token, as the pack's filter signs it."""
    now = int(time.time())
    claims = {
        "iss": "sekisho",
        "sub": f"user-{number:05}",
        "email": f"user{number}@example.com",
        "name": "山田 太郎",
        "role": "user",
        "groups": ["開発", "Research"],
        "chat_id": f"chat-{number:05}",
        "message_id": f"message-{number:05}",
        "iat": now,
        "exp": now + _TOKEN_SECONDS,
    }
    return jwt.encode(claims, _SECRET, algorithm="HS256")


def _litellm(place: Place) -> Launch:
    """One worker, a master key, no database: fewer checks than ours make."""
    program = python_package("litellm", "litellm[proxy]==1.106.0", "litellm")
    port, file = free_port(), place.folder / "litellm.yaml"
    models = [
        {
            "model_name": name,
            "litellm_params": {
                "model": "openai/upstream-model",
                "api_base": f"http://127.0.0.1:{each}/v1",
                "api_key": "sk-upstream",
            },
        }
        for name, ports in (("small", place.static), ("paced", place.paced))
        for each in ports
    ]
    place.folder.mkdir(parents=True, exist_ok=True)
    with file.open("w") as output:
        YAML().dump({"model_list": models, "general_settings": {"master_key": "sk-bench"}}, output)
    arguments = [program, "--config", str(file), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_TELEMETRY": "False"}
    headers = {**_JSON, "authorization": "Bearer sk-bench"}
    command = Command([*arguments, "--telemetry", "False"], env, place.folder)
    return Launch([command], Way(port, "small", headers), Way(port, "paced", headers), start_seconds=120)


_PORTKEY_NEEDS = {"@hono/node-server": "1.13.8"}
"""With the newest that it allows (1.19.19), every stream is a 500: it changes headers that have become immutable."""


def _portkey(place: Place) -> Launch:
    """Open source, no keys and no limits: it is told by headers where to go."""
    node, package = npm_package("portkey", "@portkey-ai/gateway", "1.15.2", _PORTKEY_NEEDS)
    port = free_port()
    script = str(package / "build/start-server.js")
    command = Command([node, script, "--headless", f"--port={port}"], {"NODE_ENV": "production"}, place.folder)
    place.folder.mkdir(parents=True, exist_ok=True)

    def way(name: str, upstream: int) -> Way:
        custom = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1"}
        return Way(port, name, {**_JSON, "authorization": "Bearer sk-upstream", **custom})

    return Launch([command], way("small", place.static[0]), way("paced", place.paced[0]))


def _vllm_router(place: Place) -> Launch:
    """Two of them, as it has no models: one before each upstream. No keys, no limits."""
    program = python_package("vllm-router", "vllm-router==0.1.17", "vllm-router")
    place.folder.mkdir(parents=True, exist_ok=True)
    commands, ways = [], []
    for name, ports in (("small", place.static), ("paced", place.paced)):
        port, metrics = free_port(), free_port()
        workers = [f"http://127.0.0.1:{each}" for each in ports]
        arguments = [program, "--host", "127.0.0.1", "--port", str(port), "--prometheus-port", str(metrics)]
        arguments += ["--policy", "round_robin", "--log-level", "error", "--worker-urls", *workers]
        commands.append(Command(arguments, {"TOKIO_WORKER_THREADS": "1"}, place.folder))
        ways.append(Way(port, name, _JSON))
    return Launch(commands, static=ways[0], paced=ways[1], start_seconds=60)


PEERS = (
    Peer("nginx", "Debian", "proxy_pass: the limit", _nginx),
    Peer(OURS, "this tree", "everything on", _sekisho),
    Peer(UNGOVERNED, "this tree", "no limits, no records, no metrics", _ungoverned),
    Peer("vllm-router", "0.1.17", "Rust; no keys, no limits", _vllm_router),
    Peer("portkey", "1.15.2", "Node; no keys, no limits", _portkey),
    Peer("litellm", "1.106.0", "Python; a master key, no database", _litellm),
)
NAMES = tuple(peer.name for peer in PEERS)
