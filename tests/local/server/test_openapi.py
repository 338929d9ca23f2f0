"""The server beside its own OpenAPI document, by requests that nobody would think of."""

# Schemathesis' own types are known in part only; this module is where that ends.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeArgument=false
# pyright: reportUnknownParameterType=false

import itertools
from collections.abc import Iterator

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from dynamic_sessions_local import Limits, LocalSessionPool

from .conftest import client_of

PER_OPERATION = 25
SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
CHECKS = [not_a_server_error, response_schema_conformance, status_code_conformance]


@pytest.fixture(scope="module", params=["python", "shell"])
def patient(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """A client of a pool that has room for whatever comes."""
    limits = Limits(execution_seconds=1, queued_executions=10_000)
    with (
        LocalSessionPool(kind=request.param, limits=limits, max_sessions=10_000) as pool,
        client_of(pool) as client,
    ):
        yield client


def test_the_document_needs_the_token_and_describes_every_route(patient: httpx.Client) -> None:
    assert httpx.get(f"{patient.base_url}openapi.json").status_code == 401
    document = patient.get("openapi.json").json()
    for name, schema in document["components"]["schemas"].items():
        assert name
        Draft202012Validator.check_schema(schema)
    described = {path.lower() for path in document["paths"]}
    assert {"/executions", "/executions/{id}", "/files/{name}/content", "/session"} <= described
    assert ("/code/execute" in described) == ("useEmptyKernel" in str(document))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_request_makes_the_server_fail_or_break_its_own_word(patient: httpx.Client) -> None:
    schema = schemathesis.openapi.from_dict(patient.get("openapi.json").json())
    schema.config.update(base_url=str(patient.base_url))
    tried = 0
    for result, mode in itertools.product(schema.get_all_operations(), GenerationMode):
        assert isinstance(result, Ok)
        operation = result.ok()

        @hypothesis.settings(
            max_examples=PER_OPERATION,
            deadline=None,
            database=None,
            # The same requests every time: a run that fails can be repeated, and none by chance.
            derandomize=True,
            suppress_health_check=SLOW_IS_FINE,
        )
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def answer(case: schemathesis.Case) -> None:
            nonlocal tried
            tried += 1
            response = case.call(headers={"authorization": patient.headers["authorization"]})
            case.validate_response(response, checks=CHECKS)

        answer()
    assert tried > PER_OPERATION
    assert patient.get("listSessions").status_code == 200
