"""GET /v1/audio/models and /v1/audio/voices: what Open WebUI offers to who sets speech up."""

from collections.abc import Iterator

from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.authenticate import authenticate_reader
from gateway.api.client import Answer
from gateway.api.telling import refuse
from gateway.config.schema import Model
from gateway.dialects import audio
from gateway.errors import ApiError
from gateway.identity.policy import Policy
from gateway.routing.routes import Routes
from gateway.runtime import Runtime
from gateway.translation.audio.speech import GEMINI_VOICES, VOICES


class AudioLists:
    """Lists models that speak, or their voices."""

    def __init__(self, runtime: Runtime, member: str) -> None:
        """`member` is `models` or `voices`."""
        self._runtime = runtime
        self._member = member

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            key = await authenticate_reader(self._runtime, scope)
            routes = self._runtime.current.routes
            found = _models(routes, key.policy) if self._member == "models" else _voices(routes, key.policy)
            await answer.whole(200, [], wire.encode({self._member: [{"id": name, "name": name} for name in found]}))
        except ApiError as error:
            await refuse(answer, error, scope, audio.CLIENT)


def _models(routes: Routes, policy: Policy) -> list[str]:
    return [model.name for model in _speaking(routes, policy)]


def _voices(routes: Routes, policy: Policy) -> list[str]:
    """Return OpenAI's voices, which every model of speech takes here, and Gemini's where it speaks."""
    targets = (target for model in _speaking(routes, policy) for target in routes.targets[model.name])
    gemini = GEMINI_VOICES if any(target.speaks("gemini") for target in targets) else ()
    return [*VOICES, *gemini]


def _speaking(routes: Routes, policy: Policy) -> Iterator[Model]:
    return (model for model in routes.available(policy) if model.mode == "speech")
