"""From core's executions to Agent Framework's contents."""

from collections.abc import Sequence

from agent_framework import Content

from dynamic_sessions import Execution
from dynamic_sessions.prompts import join_lines, render_execution

NO_OUTPUT = "The code ran to its end, without output."
"""What a model reads where nothing was printed or returned; an empty text looks like a fault."""


def execution_contents(
    execution: Execution,
    *,
    limit: int | None,
    files: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> list[Content]:
    """Return what a run came to: a text, the pictures, and an error if it failed.

    The text says all that there is to say, failures included: clients of chat services hand on a
    tool's text and data alone. The error is for programs and middleware.

    Args:
        execution: The run.
        limit: Characters that the text may have; None for any number.
        files: Names of the files that the run made.
        notes: Further lines for the model.
    """
    text = join_lines([render_execution(execution, limit=limit, files=files), *notes])
    contents = [Content.from_text(text or NO_OUTPUT)]
    contents += [Content.from_data(image.data, image.mime_type) for image in execution.images]
    if not execution.ok:
        contents.append(_error_content(execution))
    return contents


def _error_content(execution: Execution) -> Content:
    error = execution.error
    if error is None:
        return Content.from_error(
            message=f"The code {execution.status.replace('_', ' ')}.",
            error_code=str(execution.status),
            error_details=execution.stderr,
        )
    return Content.from_error(
        message=str(error), error_code=error.name, error_details=error.traceback
    )
