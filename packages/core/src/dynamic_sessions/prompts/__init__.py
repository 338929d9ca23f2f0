"""Functions, executions, files and code, between sessions and a model: text in, text out."""

from dynamic_sessions.prompts.code_blocks import (
    clean_code,
    clean_command,
    extract_code_blocks,
)
from dynamic_sessions.prompts.executions import DEFAULT_LIMIT, render_execution
from dynamic_sessions.prompts.files import image_in, render_file, render_files
from dynamic_sessions.prompts.functions import FUNCTIONS_TEMPLATE, describe_functions
from dynamic_sessions.prompts.shortening import join_lines
from dynamic_sessions.prompts.tools import describe_python_tool

__all__ = [
    "DEFAULT_LIMIT",
    "FUNCTIONS_TEMPLATE",
    "clean_code",
    "clean_command",
    "describe_functions",
    "describe_python_tool",
    "extract_code_blocks",
    "image_in",
    "join_lines",
    "render_execution",
    "render_file",
    "render_files",
]
