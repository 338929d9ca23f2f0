"""What really reaches a model: the framework's own client of OpenAI, up to the HTTP request."""

import json
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from agent_framework import Agent
from agent_framework_openai import OpenAIChatClient
from openai import AsyncOpenAI

from maf_dynamic_sessions import DynamicSessionsCodeActProvider


class ResponsesService:
    """Answers requests of the Responses API, on loopback, from a script of output items."""

    def __init__(self, script: Sequence[dict[str, Any]]) -> None:
        self._script = iter(script)
        self.requests: list[dict[str, Any]] = []

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(request)
        return {
            "id": f"resp_{len(self.requests)}",
            "object": "response",
            "created_at": 0,
            "model": "scripted",
            "status": "completed",
            "output": [next(self._script)],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }

    @contextmanager
    def served(self) -> Generator[str]:
        """Serve in a thread; yield the base URL."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = json.dumps(service.answer(json.loads(body))).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()

    @property
    def tool_outputs(self) -> list[Any]:
        return [
            item["output"]
            for item in self.requests[-1]["input"]
            if item["type"] == "function_call_output"
        ]


def call(code: str) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_1",
        "name": "execute_code",
        "arguments": json.dumps({"code": code}),
        "status": "completed",
    }


DONE: dict[str, Any] = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Done.", "annotations": []}],
}


@pytest.fixture
async def provider() -> AsyncIterator[DynamicSessionsCodeActProvider]:
    async with DynamicSessionsCodeActProvider(endpoint="local") as provider:
        yield provider


async def conversation(
    provider: DynamicSessionsCodeActProvider, script: Sequence[dict[str, Any]]
) -> ResponsesService:
    service = ResponsesService(script)
    with service.served() as url:
        async with AsyncOpenAI(api_key="none", base_url=url, max_retries=0) as openai:
            client = OpenAIChatClient("scripted", async_client=openai)
            agent = Agent(client, context_providers=[provider])
            response = await agent.run("Go.", session=agent.create_session())
    assert response.text == "Done."
    return service


async def test_a_model_reads_why_its_code_failed(provider: DynamicSessionsCodeActProvider) -> None:
    service = await conversation(provider, [call("print('so far')\n1 / 0"), DONE])

    (output,) = service.tool_outputs
    assert output.startswith("so far\n")
    assert "ZeroDivisionError: division by zero" in output


async def test_a_model_sees_a_picture_and_no_base64_in_its_text(
    provider: DynamicSessionsCodeActProvider,
) -> None:
    plot = "import matplotlib.pyplot as plt; plt.plot([1]); plt.show()"
    service = await conversation(provider, [call(plot), DONE])

    ((text, image),) = service.tool_outputs
    assert text == {"type": "input_text", "text": "[image: image/png]"}
    assert image["type"] == "input_image"
    assert image["image_url"].startswith("data:image/png;base64,iVBORw0KGgo")


async def test_the_tool_is_offered_as_the_service_takes_it(
    provider: DynamicSessionsCodeActProvider,
) -> None:
    service = await conversation(provider, [DONE])

    (tool,) = service.requests[0]["tools"]
    assert (tool["type"], tool["name"]) == ("function", "execute_code")
    assert list(tool["parameters"]["properties"]) == ["code"]
    assert len(tool["description"]) <= 1024
