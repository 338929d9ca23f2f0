"""LangChain tools, middleware and a deepagents sandbox on dynamic sessions."""

from langchain_dynamic_sessions.conversations import ConversationSessions
from langchain_dynamic_sessions.errors import SessionToolException, ToolArgumentException
from langchain_dynamic_sessions.python_tool import SessionsPythonREPLTool
from langchain_dynamic_sessions.session_tool import RemoteFileMetadata

__all__ = [
    "ConversationSessions",
    "RemoteFileMetadata",
    "SessionToolException",
    "SessionsPythonREPLTool",
    "ToolArgumentException",
]

# Errors and reprs print the name under which callers import a class.
for _public in [globals()[name] for name in __all__]:
    _public.__module__ = __name__
