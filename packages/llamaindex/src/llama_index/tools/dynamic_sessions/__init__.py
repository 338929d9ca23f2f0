"""LlamaIndex tools that run Python in dynamic sessions, in Azure or on this machine."""

from llama_index.tools.dynamic_sessions.azure_code_interpreter import (
    AzureCodeInterpreterToolSpec,
    RemoteFileMetadata,
)
from llama_index.tools.dynamic_sessions.code_act import CodeActSession
from llama_index.tools.dynamic_sessions.results import ContentBlocks, FileListing
from llama_index.tools.dynamic_sessions.tool_spec import DynamicSessionsToolSpec

__all__ = [
    "AzureCodeInterpreterToolSpec",
    "CodeActSession",
    "ContentBlocks",
    "DynamicSessionsToolSpec",
    "FileListing",
    "RemoteFileMetadata",
]

# Errors and reprs print the name under which callers import a class.
for _public in [globals()[name] for name in __all__]:
    if isinstance(_public, type):
        _public.__module__ = __name__
