"""Agent Framework's code tool and CodeAct on Azure Container Apps dynamic sessions, or locally."""

from maf_dynamic_sessions.code_tool import CodeInput, DynamicSessionsTool
from maf_dynamic_sessions.errors import SessionFunctionError, SessionServiceError
from maf_dynamic_sessions.files import content_bytes, download_content, upload_content
from maf_dynamic_sessions.provider import DynamicSessionsCodeActProvider

__all__ = [
    "CodeInput",
    "DynamicSessionsCodeActProvider",
    "DynamicSessionsTool",
    "SessionFunctionError",
    "SessionServiceError",
    "content_bytes",
    "download_content",
    "upload_content",
]

# Errors and reprs print the name under which callers import a class.
for _public in [globals()[name] for name in __all__]:
    _public.__module__ = __name__
