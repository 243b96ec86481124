"""An OpenTelemetry trace a request, where `telemetry` is configured: the request, and in it the call of the model.

What they tell comes from the record, named after the GenAI semantic conventions
(opentelemetry.io/docs/specs/semconv/gen-ai): no prompt, no answer, and of the person only the pseudonym.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gateway.config.schema import Telemetry
from gateway.errors import ConfigError
from gateway.ledger.record import Record
from gateway.providers.rows import PROVIDERS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

_OPERATIONS = {
    "completions": "text_completion",
    "fim": "text_completion",
    "infill": "text_completion",
    "embeddings": "embeddings",
}
_OF_CALL: tuple[tuple[str, Callable[[Record], Any]], ...] = (
    ("gen_ai.operation.name", lambda record: _operation(record)),
    ("gen_ai.provider.name", lambda record: _provider_name(record)),
    ("gen_ai.request.model", lambda record: record.upstream_model),
    ("gen_ai.request.stream", lambda record: record.stream),
    ("gen_ai.conversation.id", lambda record: record.chat_id),
    ("gen_ai.usage.input_tokens", lambda record: record.input_tokens),
    ("gen_ai.usage.output_tokens", lambda record: record.output_tokens),
    ("gen_ai.usage.cache_read.input_tokens", lambda record: record.cached_input_tokens),
    ("gen_ai.usage.cache_creation.input_tokens", lambda record: record.cache_write_tokens),
    ("gen_ai.usage.reasoning.output_tokens", lambda record: record.reasoning_tokens),
    ("gen_ai.response.time_to_first_chunk", lambda record: _seconds(record.first_token_ms)),
    ("error.type", lambda record: record.error_code),
    ("sekisho.deployment", lambda record: record.deployment),
    ("sekisho.attempts", lambda record: record.attempts),
    ("sekisho.cost_usd", lambda record: None if record.cost_nano_usd is None else record.cost_nano_usd / 1e9),
)
_OF_REQUEST: tuple[tuple[str, Callable[[Record], Any]], ...] = (
    ("http.request.method", lambda record: "POST"),
    ("http.response.status_code", lambda record: record.status),
    ("error.type", lambda record: record.error_code),
    ("sekisho.request_id", lambda record: record.request_id),
    ("sekisho.model", lambda record: record.model),
    ("sekisho.api", lambda record: record.api),
    ("sekisho.task", lambda record: record.task),
    ("sekisho.client", lambda record: record.client),
    ("sekisho.team", lambda record: record.team),
    ("sekisho.key", lambda record: record.key_alias),
    ("sekisho.outcome", lambda record: record.outcome),
    ("sekisho.queue_ms", lambda record: record.queue_ms),
    ("sekisho.fallback_from", lambda record: record.fallback_from),
)


class Tracing:
    """Sends spans in a thread of its own; what a collector does not take in time is dropped, never waited for."""

    def __init__(self, settings: Telemetry) -> None:
        """Start the exporter. Raises `ConfigError` where OpenTelemetry is not installed."""
        self._provider = _provider(settings)
        self._tracer = self._provider.get_tracer("sekisho")

    def begin(self, path: str, headers: Mapping[str, str]) -> "Trace":
        """Return the trace of a request that arrived, below the client's where its headers name one."""
        return Trace(self._tracer, path, headers)

    def stop(self) -> None:
        """Send what is left, within the exporter's own patience."""
        self._provider.shutdown()


class Trace:
    """One request's spans. Their contexts travel as W3C `traceparent` and `tracestate` (w3.org/TR/trace-context)."""

    def __init__(self, tracer: "Tracer", path: str, headers: Mapping[str, str]) -> None:
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._propagator = TraceContextTextMapPropagator()
        self._tracer = tracer
        self._request = tracer.start_span(f"POST {path}", self._propagator.extract(headers, Context()), SpanKind.SERVER)
        self._call: Span | None = None

    def calling(self) -> dict[str, str]:
        """Return the headers for the model's server, which is called now, maybe again."""
        from opentelemetry.trace import SpanKind, set_span_in_context

        if self._call is None:
            self._call = self._tracer.start_span("call", set_span_in_context(self._request), SpanKind.CLIENT)
        headers: dict[str, str] = {}
        self._propagator.inject(headers, set_span_in_context(self._call))
        return headers

    def end(self, record: Record, person: str | None) -> None:
        """Tell what became of the request. `person` is a pseudonym."""
        if self._call:
            self._call.update_name(f"{_operation(record)} {record.upstream_model}")
            _finish(self._call, _attributes(_OF_CALL, record), record)
        pseudonymous = {"enduser.pseudo.id": person} if person else {}
        _finish(self._request, {**_attributes(_OF_REQUEST, record), **pseudonymous}, record)


def _finish(span: "Span", attributes: dict[str, Any], record: Record) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attributes(attributes)
    if record.outcome == "error":
        span.set_status(StatusCode.ERROR, record.error_code)
    span.end()


def _provider(settings: Telemetry) -> "TracerProvider":
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ModuleNotFoundError as error:
        raise ConfigError(
            "telemetry: needs OpenTelemetry: run `pip install '.[telemetry]'` in the checkout of Sekisho"
        ) from error
    sampler = ParentBased(TraceIdRatioBased(settings.share))
    provider = TracerProvider(sampler, Resource.create({"service.name": settings.service_name}))
    headers = {name: value.reveal() for name, value in settings.headers.items()}
    exporter = OTLPSpanExporter(f"{str(settings.endpoint).rstrip('/')}/v1/traces", headers=headers, timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    return provider


def _attributes(table: tuple[tuple[str, Callable[[Record], Any]], ...], record: Record) -> dict[str, Any]:
    attributes = {name: take(record) for name, take in table}
    return {name: value for name, value in attributes.items() if value is not None}


def _provider_name(record: Record) -> str | None:
    row = PROVIDERS.get(record.provider or "")
    return row.trace_name if row and row.trace_name else record.provider


def _operation(record: Record) -> str:
    return _OPERATIONS.get(record.api, "chat")


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
