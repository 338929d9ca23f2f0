"""What a request asks a session to run, whichever dialect it was said in."""

from dataclasses import dataclass

from dynamic_sessions_local.programs import Program


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution as it was asked for.

    Attributes:
        program: Python code or a command.
        timeout: Seconds.
        output_limit: Characters of stdout, and again of stderr, that the answer carries.
        execution_type: The word as it was sent, which the answer repeats; "" where none was.
        asynchronous: The answer is not waited for, but asked for later.
        jupyter_format: The value is wanted as Jupyter would print it.
    """

    program: Program
    timeout: float
    output_limit: int
    execution_type: str = ""
    asynchronous: bool = False
    jupyter_format: bool = False
