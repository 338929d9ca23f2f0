"""Spans and metrics of the calls, through OpenTelemetry's API: nothing happens without its SDK.

Names follow OpenTelemetry's conventions where there is one. Neither code nor identifiers nor
tokens are recorded: hashes and sizes are.
"""

import hashlib
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeAlias

from dynamic_sessions.errors import ServiceError, ServiceResponseError

if TYPE_CHECKING:
    from opentelemetry.trace import Span

Attributes: TypeAlias = Mapping[str, str | int | float | bool]

_SCOPE = "dynamic_sessions"
_HASH_CHARACTERS = 16

# The service's own account of where the time went, in milliseconds.
_TIMING_HEADERS = (
    "x-ms-allocation-time",
    "x-ms-preparation-time",
    "x-ms-container-execution-duration",
    "x-ms-overall-execution-time",
    "x-ms-total-execution-service-time",
)


def fingerprint(text: str) -> str:
    """Return what tells texts apart in a trace without showing them."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_CHARACTERS]


class Telemetry:
    """Records the calls of one transport with the providers that are set when it is made."""

    def __init__(self) -> None:
        # Here, so that a program which opens no pool does not wait for it.
        from opentelemetry import metrics, trace  # noqa: PLC0415

        library_version = version("dynamic-sessions")
        self._tracer = trace.get_tracer(_SCOPE, library_version)
        self._kind = trace.SpanKind.CLIENT
        meter = metrics.get_meter(_SCOPE, library_version)
        self._duration = meter.create_histogram(
            "dynamic_sessions.call.duration", unit="s", description="Duration of calls."
        )
        self._retries = meter.create_counter(
            "dynamic_sessions.call.retries", description="Repetitions of calls."
        )
        self._transferred = meter.create_counter(
            "dynamic_sessions.transfer.size", unit="By", description="Bytes of bodies."
        )

    @contextmanager
    def call(self, operation: str, attributes: Attributes) -> Generator["CallRecord"]:
        """Record a call with all of its sendings, from begin to end."""
        begun = time.perf_counter()
        outcome = "cancelled"
        with self._tracer.start_as_current_span(
            f"dynamic_sessions {operation}",
            kind=self._kind,
            attributes={"dynamic_sessions.operation": operation, **attributes},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            record = CallRecord(span)
            try:
                yield record
                outcome = "ok"
            except Exception as error:
                outcome = type(error).__name__
                record.note_error(error)
                raise
            finally:
                self._measure(record, operation, outcome, time.perf_counter() - begun)

    def _measure(self, record: "CallRecord", operation: str, outcome: str, seconds: float) -> None:
        labels = {"dynamic_sessions.operation": operation, "dynamic_sessions.outcome": outcome}
        record.close(outcome)
        self._duration.record(seconds, labels)
        if record.retries:
            self._retries.add(record.retries, {"dynamic_sessions.operation": operation})
        for direction, size in (("sent", record.bytes_sent), ("received", record.bytes_received)):
            if size:
                self._transferred.add(size, {"network.io.direction": direction})


class CallRecord:
    """What is recorded of one call."""

    def __init__(self, span: "Span") -> None:
        self.retries = 0
        self.bytes_sent = 0
        self.bytes_received = 0
        self._span = span

    def note_response(self, status_code: int, headers: Mapping[str, str]) -> None:
        """Record an answer's status and the service's own timing."""
        if not self._span.is_recording():
            return
        self._span.set_attribute("http.response.status_code", status_code)
        for header in _TIMING_HEADERS:
            seconds = _seconds(headers.get(header))
            if seconds is not None:
                name = header.removeprefix("x-ms-").replace("-", "_")
                self._span.set_attribute(f"dynamic_sessions.service.{name}", seconds)

    def note_error(self, error: Exception) -> None:
        """Record how a call failed; its text stays out, since it may quote the service."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - see Telemetry

        self._span.set_attribute("error.type", type(error).__name__)
        self._span.set_status(StatusCode.ERROR)
        if isinstance(error, ServiceError):
            self._span.set_attribute("dynamic_sessions.outcome_unknown", error.outcome_unknown)
        if isinstance(error, ServiceResponseError):
            self._span.set_attribute("http.response.status_code", error.status_code)

    def close(self, outcome: str) -> None:
        """Record what is known at the end alone."""
        self._span.set_attribute("dynamic_sessions.outcome", outcome)
        self._span.set_attribute("dynamic_sessions.retries", self.retries)
        self._span.set_attribute("dynamic_sessions.bytes_sent", self.bytes_sent)
        self._span.set_attribute("dynamic_sessions.bytes_received", self.bytes_received)


def _seconds(milliseconds: str | None) -> float | None:
    try:
        return None if milliseconds is None else float(milliseconds) / 1000
    except ValueError:
        return None
