"""From core's executions to AutoGen's code result."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from autogen_core.code_executor import CodeResult

from dynamic_sessions import Execution, ExecutionStatus, Image
from dynamic_sessions.prompts import join_lines, render_execution

TIME_LIMIT_EXIT_CODE = 124
"""What AutoGen's command line executors return for code that was stopped at its time limit."""


@dataclass
class DynamicSessionsCodeResult(CodeResult):
    """What a call of execute_code_blocks() came to.

    The output holds standard output, standard error and the value of the last expression of each
    block, in this order; images and files are named in it.
    """

    images: list[Image] = field(default_factory=list[Image])
    """Pictures that the code made, with their bytes."""
    files: list[str] = field(default_factory=list[str])
    """Names of the files that the code made or changed, where the executor reports files."""
    executions: list[Execution] = field(default_factory=list[Execution])
    """One entry for each block that was run, with its value, error and duration."""


def code_result(
    executions: Sequence[Execution],
    *,
    files: Sequence[str],
    include_results: bool,
    refusal: str = "",
) -> DynamicSessionsCodeResult:
    """Return the result of some blocks.

    Args:
        executions: The blocks that were run.
        files: Names of the files that they made.
        include_results: Whether values of last expressions belong to the output.
        refusal: Why the block after them was not run.
    """
    # Programs read this output too, and one that wants it short has the executions.
    texts = [
        render_execution(item, limit=None, include_result=include_results) for item in executions
    ]
    texts.extend(f"[file: {name}]" for name in files)
    return DynamicSessionsCodeResult(
        exit_code=1 if refusal else _exit_code(executions),
        output=join_lines([*texts, refusal]),
        images=[image for item in executions for image in item.images],
        files=list(files),
        executions=list(executions),
    )


def _exit_code(executions: Sequence[Execution]) -> int:
    if any(item.status is ExecutionStatus.TIMED_OUT for item in executions):
        return TIME_LIMIT_EXIT_CODE
    return 0 if all(item.ok for item in executions) else 1
