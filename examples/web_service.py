"""Web service: every user has a session, and sees over server-sent events what the agent does.

    .venv/bin/python examples/web_service.py
    curl -N http://127.0.0.1:8000/questions -H "Authorization: Bearer token-of-ada" \
        --json '{"question": "Remember the number 42."}'

A scripted model plays its part, and knows the questions below; with OPENAI_API_KEY set, a real
one does. The sessions live on this machine, or in the pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from fastapi import Body, Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.sse import EventSourceResponse, ServerSentEvent
from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType]
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from langchain_dynamic_sessions import SessionsPythonREPLTool
from models.langchain import choose_model

REPLIES = {
    "Remember the number 42.": ("number = 42", "I remember it."),
    "Double my number.": ("number * 2", "That is what it comes to."),
    "Wait for ever.": ("import time\nwhile True:\n    time.sleep(1)", "It is over."),
}
USERS = {"token-of-ada": "ada", "token-of-bob": "bob"}  # in place of your log-in

endpoint = os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local")
tool = SessionsPythonREPLTool(endpoint, session_key="thread_id", include_images=False)
conversations = InMemorySaver()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
    """Delete the users' sessions when the service ends."""
    async with tool:
        yield


app = FastAPI(lifespan=lifespan)


def user(sent: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    """Return who asks: a name that the service vouches for, never one that a request brings."""
    if sent.credentials not in USERS:
        raise HTTPException(401, "This token is nobody's.")
    return USERS[sent.credentials]


@app.post("/questions", response_class=EventSourceResponse)
async def ask(
    question: Annotated[str, Body(embed=True)], user: Annotated[str, Depends(user)]
) -> AsyncGenerator[ServerSentEvent]:
    """Stream the code, its output and the answer; a reader who leaves stops the code."""
    model = choose_model(REPLIES.get(question, ("print('?')", "I have no script for it.")))
    agent: Any = create_agent(model, [tool], checkpointer=conversations)  # pyright: ignore[reportUnknownVariableType]
    of_user = {"configurable": {"thread_id": user}}
    asked = {"messages": [HumanMessage(question)]}
    try:
        async for update in agent.astream(asked, of_user, stream_mode="updates"):
            for message in (message for part in update.values() for message in part["messages"]):
                for call in getattr(message, "tool_calls", []):
                    yield ServerSentEvent(event="code", data=call["args"]["code"])
                if message.content:
                    event = "output" if message.type == "tool" else "answer"
                    yield ServerSentEvent(event=event, data=message.content)
    except BaseException:
        # The session goes with the code, and a model refuses calls that nothing came of.
        conversations.delete_thread(user)
        raise


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")))
