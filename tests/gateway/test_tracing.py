"""Traces as a real OTLP collector gets them."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector:
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                for each in ExportTraceServiceRequest.FromString(body).resource_spans:
                    outer.spans += [span for scope in each.scope_spans for span in scope.spans]
                outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def wait(self, count: int) -> list[Span]:
        deadline = time.monotonic() + 30
        while len(self.spans) < count:
            assert time.monotonic() < deadline, self.spans
            time.sleep(0.05)
        return self.spans


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
def traced(collector: Collector, upstream: tuple[FakeUpstream, str], tmp_path: Path) -> Iterator[GatewayProcess]:
    price = {"input": 3.0, "output": 15.0}
    config = {
        "telemetry": {"endpoint": collector.url, "headers": {"x-collector-key": "collector-canary"}},
        "models": [model("mine", deployment(upstream[1]), price=price), model("down", deployment(upstream[1], "500"))],
    }
    gateway = GatewayProcess(tmp_path, config).start()
    yield gateway
    gateway.stop()
    assert "collector-canary" not in gateway.log


def _ask(gateway: GatewayProcess, key: str, name: str, **headers: str) -> httpx2.Response:
    body = {"model": name, "messages": [{"role": "user", "content": "prompt-canary"}]}
    sent = {"authorization": f"Bearer {key}", **headers}
    return httpx2.post(f"{gateway.url}/v1/chat/completions", json=body, headers=sent, timeout=20, trust_env=False)


def _told(span: Span) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "") for each in span.attributes}


def test_a_request_is_a_trace_below_the_clients(
    traced: GatewayProcess, collector: Collector, upstream: tuple[FakeUpstream, str]
) -> None:
    key = traced.key("laptop", "--owner", "alice@example.com", "--team", "research")
    answer = _ask(traced, key, "mine", traceparent=f"00-{TRACE}-{PARENT}-01")
    assert answer.status_code == 200
    told_upstream = upstream[0].last.headers["traceparent"].split("-")
    spans = {span.kind: span for span in collector.wait(2)}
    request, call = spans[Span.SPAN_KIND_SERVER], spans[Span.SPAN_KIND_CLIENT]
    assert {span.trace_id.hex() for span in (request, call)} == {TRACE} == {told_upstream[1]}
    assert (request.parent_span_id.hex(), call.parent_span_id) == (PARENT, request.span_id)
    assert call.span_id.hex() == told_upstream[2]
    assert (request.name, call.name) == ("POST /chat/completions", "chat echo")
    of_call = _told(call)
    assert (of_call["gen_ai.operation.name"], of_call["gen_ai.request.model"]) == ("chat", "echo")
    assert (of_call["gen_ai.usage.input_tokens"], of_call["gen_ai.usage.output_tokens"]) == (11, 7)
    assert of_call["sekisho.cost_usd"] == float(answer.headers["x-sekisho-cost-usd"])
    of_request = _told(request)
    assert of_request["sekisho.request_id"] == answer.headers["x-sekisho-request-id"]
    assert (of_request["sekisho.team"], of_request["http.response.status_code"]) == ("research", 200)
    assert of_request["enduser.pseudo.id"].startswith("u_")
    assert request.start_time_unix_nano <= call.start_time_unix_nano <= call.end_time_unix_nano
    everything = b"".join(span.SerializeToString() for span in collector.spans)
    for secret in (b"alice@example.com", b"prompt-canary", key.encode()):
        assert secret not in everything
    assert collector.headers[0]["x-collector-key"] == "collector-canary"


def test_failures_and_refusals(traced: GatewayProcess, collector: Collector) -> None:
    key = traced.key("laptop")
    assert _ask(traced, key, "down").status_code == 502
    assert _ask(traced, "sk-wrong", "mine", traceparent="nonsense").status_code == 401
    requests = [span for span in collector.wait(3) if span.kind == Span.SPAN_KIND_SERVER]
    failed, refused = sorted(requests, key=lambda span: span.start_time_unix_nano)
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert _told(failed)["error.type"] == "upstream_error"
    assert refused.status.code == Status.STATUS_CODE_UNSET
    assert failed.trace_id != refused.trace_id


def test_a_collector_that_is_away_costs_nobody_anything(upstream: tuple[FakeUpstream, str], tmp_path: Path) -> None:
    telemetry = {"endpoint": "http://127.0.0.1:9"}
    config = {"telemetry": telemetry, "models": [model("mine", deployment(upstream[1]))]}
    gateway = GatewayProcess(tmp_path, config).start()
    key = gateway.key("laptop")
    assert [_ask(gateway, key, "mine").status_code for _ in range(5)] == [200] * 5
    gateway.stop(seconds=40)
    assert len(gateway.records()) == 5
