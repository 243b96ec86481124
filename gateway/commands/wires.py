"""In which dialect each deployment is asked, by the dialect of who asks."""

import json
from collections.abc import Iterator

from gateway.config.schema import Config
from gateway.dialects.audio import SPEECH, TRANSCRIPTIONS
from gateway.dialects.chat import CHAT
from gateway.dialects.embeddings import EMBEDDINGS
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.gemini import GEMINI
from gateway.dialects.images import GENERATIONS
from gateway.dialects.messages import MESSAGES
from gateway.dialects.rerank import RERANK
from gateway.dialects.responses import RESPONSES
from gateway.routing.routes import build_routes
from gateway.routing.serving import serving_of
from gateway.routing.target import Target

_CLIENTS = (CHAT, RESPONSES, MESSAGES, GEMINI, EMBEDDINGS, RERANK, GENERATIONS, TRANSCRIPTIONS, SPEECH)
"""Endpoints of clients that upstreams may serve in other dialects."""


def wires(config: Config) -> Iterator[tuple[str, str, str]]:
    """Yield (what, the dialect as JSON, why) for each deployment and each kind of client of its model."""
    routes = build_routes(config, {})
    for number, model in enumerate(config.models):
        for place, target in enumerate(routes.targets[model.name]):
            for endpoint in _CLIENTS:
                if model.mode in endpoint.modes:
                    dialect, why = _asked(target, endpoint)
                    yield f"models.{number}.deployments.{place} for clients of {endpoint.dialect}", dialect, why


def _asked(target: Target, endpoint: Endpoint) -> tuple[str, str]:
    serving = serving_of(target, endpoint)
    if serving is None:
        return "null", "cannot be asked by them"
    by = "dialects: of the deployment" if target.deployment.dialects else f"provider {target.provider.name}"
    if serving.translation is None:
        return json.dumps(endpoint.dialect), f"untouched; {by}"
    if target.speaks(endpoint.dialect):
        return json.dumps(serving.endpoint.dialect), "translated; the model takes tools there alone"
    return json.dumps(serving.endpoint.dialect), f"translated; {by}"
