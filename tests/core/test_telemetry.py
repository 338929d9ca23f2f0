import logging
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from dynamic_sessions import AsyncSessionPool, RetryPolicy, ServiceError
from dynamic_sessions.telemetry import fingerprint
from dynamic_sessions.testing import ScriptedService

URL = "https://pool.test/subscriptions/s/sessionPools/p"
TOKEN = "s3cret-token"
CODE = "launch_the_rockets()"
IDENTIFIER = "conversation-of-ada"
QUICK = RetryPolicy(first_delay=0.001, longest_delay=0.001)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


@pytest.fixture
def meter_reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    yield reader
    provider.shutdown()


@pytest.fixture
def service() -> ScriptedService:
    return ScriptedService()


@pytest.fixture
async def pool(
    service: ScriptedService, spans: InMemorySpanExporter, meter_reader: InMemoryMetricReader
) -> AsyncIterator[AsyncSessionPool]:
    del spans, meter_reader
    async with AsyncSessionPool(
        URL, TOKEN, transport=service.transport, retry_policy=QUICK
    ) as pool:
        yield pool


def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = [span for span in spans.get_finished_spans() if span.name == name]
    return span


async def test_a_call_is_a_span_with_hashes_sizes_and_the_services_timing(
    pool: AsyncSessionPool, spans: InMemorySpanExporter
) -> None:
    await pool.session(IDENTIFIER).execute(CODE)
    span = named(spans, "dynamic_sessions execute")
    assert span.attributes is not None
    expected = {
        "dynamic_sessions.operation": "execute",
        "dynamic_sessions.outcome": "ok",
        "dynamic_sessions.retries": 0,
        "dynamic_sessions.code_hash": fingerprint(CODE),
        "dynamic_sessions.code_size": len(CODE),
        "dynamic_sessions.identifier_hash": fingerprint(IDENTIFIER),
        "dynamic_sessions.service.container_execution_duration": 0.007,
        "http.response.status_code": 200,
    }
    assert {name: span.attributes.get(name) for name in expected} == expected
    for name in ("dynamic_sessions.bytes_sent", "dynamic_sessions.bytes_received"):
        size = span.attributes[name]
        assert isinstance(size, int)
        assert size > 0


async def test_a_call_that_fails_says_how_and_after_how_many_sendings(
    pool: AsyncSessionPool, service: ScriptedService, spans: InMemorySpanExporter
) -> None:
    for _ in range(3):
        service.fail_next(httpx.Response(503))
    with pytest.raises(ServiceError):
        await pool.session(IDENTIFIER).files.list()
    span = named(spans, "dynamic_sessions list files")
    assert span.attributes is not None
    assert span.attributes["dynamic_sessions.retries"] == 2
    assert span.attributes["error.type"] == "ServerError"
    assert span.attributes["http.response.status_code"] == 503
    assert span.attributes["dynamic_sessions.outcome_unknown"] is True
    assert not span.status.is_ok


async def test_durations_retries_and_bytes_are_measured(
    pool: AsyncSessionPool, service: ScriptedService, meter_reader: InMemoryMetricReader
) -> None:
    service.fail_next(httpx.Response(503))
    await pool.session(IDENTIFIER).files.upload(b"x" * 1000, name="a.bin")
    data = meter_reader.get_metrics_data()
    assert data is not None
    found = {
        metric.name: metric
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert found.keys() == {
        "dynamic_sessions.call.duration",
        "dynamic_sessions.call.retries",
        "dynamic_sessions.transfer.size",
    }


async def test_neither_token_nor_code_nor_identifier_reaches_traces_or_logs(
    pool: AsyncSessionPool,
    service: ScriptedService,
    spans: InMemorySpanExporter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    session = pool.session(IDENTIFIER)
    with caplog.at_level(logging.DEBUG, "dynamic_sessions"):
        await session.execute(CODE)
        for fault in (httpx.Response(500, text="oops"), httpx.ReadTimeout("slow")):
            service.fail_next(fault)
            with pytest.raises(ServiceError):
                await session.execute(CODE)
    traced = "".join(span.to_json() for span in spans.get_finished_spans())
    own_logs = "".join(
        record.getMessage() for record in caplog.records if record.name == "dynamic_sessions"
    )
    assert "execute" in traced
    assert "execute: sending 1 failed: ServerError" in own_logs
    for text in (TOKEN, CODE, IDENTIFIER):
        assert text not in traced
        assert text not in own_logs


async def test_without_an_sdk_nothing_happens(service: ScriptedService) -> None:
    async with AsyncSessionPool(URL, TOKEN, transport=service.transport) as pool:
        assert (await pool.session().execute("1")).ok
