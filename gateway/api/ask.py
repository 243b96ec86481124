"""From a request's body to a checked ask: person, model, stream, and how much work it is."""

from collections.abc import Mapping

import msgspec

from gateway import lenient, wire
from gateway.affinity import Hints
from gateway.api.classify import hints, of_typing, traffic_class
from gateway.config.models import Model
from gateway.demand import limit_answer
from gateway.dialects.endpoint import Endpoint
from gateway.errors import InvalidRequest, NotFound
from gateway.identity.caller import Caller
from gateway.identity.keys import Key, KeyStore
from gateway.identity.person import TOKEN_FIELD, identify
from gateway.identity.policy import TrafficClass
from gateway.ledger.recorder import Recorder
from gateway.payload import Payload
from gateway.plan import Plan, Snapshot

_LONGEST_NAME = 256
"""Of a model, in characters; what is longer is neither looked for nor repeated."""
_MOST_NAMED = 5
"""Models that an error names."""


class Ask(msgspec.Struct, frozen=True):
    """A request that may be sent on."""

    caller: Caller
    endpoint: Endpoint
    """The client's."""
    payload: Payload
    """Without the identity token."""
    plan: Plan
    stream: bool
    hints: Hints
    traffic_class: TrafficClass
    warms: bool = False
    """The answer is not wanted, only that the server has read the prompt."""

    @property
    def model(self) -> Model:
        return self.plan.model


def understand(
    endpoint: Endpoint,
    snapshot: Snapshot,
    store: KeyStore,
    key: Key,
    headers: Mapping[str, str],
    payload: Payload,
    recorder: Recorder,
) -> Ask:
    """Check a body and learn who asks for what; `recorder` notes it, also where it is refused.

    Raises `InvalidRequest`, `NotFound`, `Unauthenticated`.
    """
    fields = payload.fields
    caller = _identified(snapshot, store, key, headers, fields)
    recorder.asked_by(caller)
    endpoint = endpoint.refine(fields) if endpoint.refine else endpoint
    if endpoint.model_optional and not lenient.says(fields.get("model")):
        wire.put(fields, "model", _only_model(snapshot, caller, endpoint))
    wire.require(fields, "model", str)
    recorder.model = name = _model_name(wire.value(fields, "model"))
    recorder.stream = stream = _wants_stream(endpoint, fields)
    endpoint.check(fields)
    _check_files(endpoint, payload)
    if caller.membership and caller.membership.others:
        caller = caller.asking(name)
        recorder.asked_by(caller)
    plan = snapshot.plan(store, caller, name, endpoint)
    if (most := plan.model.completion.max_tokens) and endpoint.length:
        limit_answer(fields, endpoint.length, most)
    about = hints(fields, payload.size)
    recorder.traffic_class = traffic_class(recorder.task, recorder.client, endpoint.dialect, headers, caller.policy)
    if recorder.traffic_class == "completion":
        about = of_typing(about, recorder, caller)
    warms = endpoint.warms is not None and endpoint.warms(fields)
    return Ask(caller, endpoint, payload, plan, stream, about, recorder.traffic_class, warms)


def _only_model(snapshot: Snapshot, caller: Caller, endpoint: Endpoint) -> str:
    """Return the model that a client means that names none. Raises `InvalidRequest` where that is not clear."""
    names = snapshot.routes.completing(endpoint, caller.policy)
    if len(names) == 1:
        return names[0]
    several = f"This key may use several for completion: {', '.join(names[:_MOST_NAMED])}. Name one in the editor."
    raise InvalidRequest(
        f"The field 'model' is missing. {several if names else 'This key may use no model for completion.'}",
        code="missing_field",
        param="model",
    )


def _model_name(name: str) -> str:
    if len(name) > _LONGEST_NAME:
        raise NotFound(
            f"There is no model with a name of more than {_LONGEST_NAME} characters. See GET /v1/models.",
            code="model_not_found",
            param="model",
        )
    return name


def _wants_stream(endpoint: Endpoint, fields: wire.Members) -> bool:
    if endpoint.wants_stream:
        return endpoint.wants_stream(fields)
    stream = wire.flag(fields, "stream") if endpoint.body == "json" else wire.form_flag(fields, "stream")
    if stream and not endpoint.streams:
        raise InvalidRequest(
            f"The field 'stream' must be false or absent: '/v1{endpoint.path}' answers in one piece.", param="stream"
        )
    return stream


def _check_files(endpoint: Endpoint, payload: Payload) -> None:
    """Check that a form has the file that it is about. Raises `InvalidRequest` naming its part."""
    if not endpoint.files:
        return
    sizes = [file.size for name, file in payload.files if name in endpoint.files]
    if not any(sizes):
        wrong = "is empty; it must not be" if sizes else "is missing; it must be a file"
        name = endpoint.files[0]
        raise InvalidRequest(f"The field '{name}' {wrong}.", code="missing_field", param=name)


def _identified(
    snapshot: Snapshot, store: KeyStore, key: Key, headers: Mapping[str, str], fields: wire.Members
) -> Caller:
    """Take the identity token out of the members; return who asks."""
    token, claimed = fields.pop(TOKEN_FIELD, None), wire.value(fields, "user")
    text = wire.value({TOKEN_FIELD: token}, TOKEN_FIELD) if token is not None else None
    person = identify(
        key,
        headers,
        text if isinstance(text, str) else None,
        claimed if isinstance(claimed, str) else None,
        snapshot.config.open_webui.identity_secret,
    )
    return snapshot.caller(store, key, person)
