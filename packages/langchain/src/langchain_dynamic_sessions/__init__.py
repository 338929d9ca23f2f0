"""LangChain tools that run code in dynamic sessions, in Azure or on this machine."""

from langchain_dynamic_sessions.bash_tool import SessionsBashTool
from langchain_dynamic_sessions.conversations import ConversationSessions
from langchain_dynamic_sessions.errors import SessionToolException, ToolArgumentException
from langchain_dynamic_sessions.python_tool import SessionsPythonREPLTool
from langchain_dynamic_sessions.session_tool import RemoteFileMetadata
from langchain_dynamic_sessions.toolkit import SessionsToolkit

__all__ = [
    "ConversationSessions",
    "RemoteFileMetadata",
    "SessionToolException",
    "SessionsBashTool",
    "SessionsPythonREPLTool",
    "SessionsToolkit",
    "ToolArgumentException",
]

# Errors and reprs print the name under which callers import a class.
for _public in [globals()[name] for name in __all__]:
    _public.__module__ = __name__
