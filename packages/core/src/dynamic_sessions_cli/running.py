"""`dynamic-sessions run`: code in a session, with the manners of a program."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from dynamic_sessions import Execution
from dynamic_sessions.pool import DEFAULT_TIMEOUT_SECONDS
from dynamic_sessions_cli.connections import checked_session, in_event_loop, open_pool
from dynamic_sessions_cli.images import save_images
from dynamic_sessions_cli.options import (
    EndpointOption,
    ImagesOption,
    JsonOption,
    ProfileOption,
    SessionOption,
    TimeoutOption,
)
from dynamic_sessions_cli.profiles import Target, choose_target
from dynamic_sessions_cli.statuses import CommandError, status_of
from dynamic_sessions_cli.terminal import messages, note, write_json, write_session_text

STANDARD_INPUT = "-"


def run(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE|-", help="Python file, or - for standard input.")
    ] = None,
    code: Annotated[
        str | None, typer.Option("--code", "-c", metavar="CODE", help="Code, instead of a file.")
    ] = None,
    shell: Annotated[
        bool, typer.Option("--shell", help="Run it by Bash: for pools whose sessions are shells.")
    ] = False,
    images: ImagesOption = ".",
    timeout: TimeoutOption = DEFAULT_TIMEOUT_SECONDS,
    as_json: JsonOption = False,
    session: SessionOption = None,
    endpoint: EndpointOption = None,
    profile: ProfileOption = None,
) -> int:
    """Run code in a session.

    Standard output and standard error are the code's; the value of its last expression goes to
    standard output. Pictures are saved, and named on standard error. Without --session the session
    is a new one that ends with the run.

    The exit status follows the code: 0; 1 where it raised, or the number in `sys.exit(number)`;
    124 at the time limit; 137 where the session broke down. 2 is for what is wrong with the command
    line and 125 for failures of the service.

        $ dynamic-sessions run -e local -c 'print("hello"); 6 * 7'
    """
    program = _program(file, code)
    target = choose_target(endpoint, profile)
    execution, identifier = in_event_loop(
        _execute, target, session or target.session, program, shell, timeout
    )
    paths = save_images(execution.images, images)
    if as_json:
        write_json(_as_json(execution, identifier, paths))
    else:
        _write(execution, paths)
    return status_of(execution)


def _program(file: str | None, code: str | None) -> str:
    if (file is None) == (code is None):
        raise CommandError(
            "run takes one program.", "Give a file, or - for standard input, or -c CODE."
        )
    if code is not None:
        return code
    try:
        if file == STANDARD_INPUT:
            return sys.stdin.buffer.read().decode()
        return Path(file or "").read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8 text: {error}") from error
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}") from error


async def _execute(
    target: Target, name: str | None, program: str, shell: bool, timeout: float
) -> tuple[Execution, str]:
    async with open_pool(target) as pool:
        session = checked_session(pool, name)
        call = session.run_command if shell else session.execute
        with messages().status("running", spinner="dots"):
            try:
                execution = await call(program, timeout=timeout)
            except ValueError as error:
                raise CommandError(str(error)) from error
        return execution, session.identifier


def _write(execution: Execution, paths: list[Path]) -> None:
    write_session_text(execution.stdout, sys.stdout)
    if execution.result is not None:
        write_session_text(str(execution.result), sys.stdout, end="\n")
    write_session_text(execution.stderr, sys.stderr, end="\n")
    for path in paths:
        note(f"image: {path}")
    if execution.session_recycled:
        note("The session is another one than before: earlier variables are gone.")
    if execution.truncated:
        note("The output reached the limit and was cut there.")


def _as_json(execution: Execution, identifier: str, paths: list[Path]) -> dict[str, object]:
    error = execution.error
    return {
        "status": execution.status.value,
        "exit_status": status_of(execution),
        "stdout": execution.stdout,
        "stderr": execution.stderr,
        "result": execution.result,
        "error": error and {"name": error.name, "message": error.message},
        "images": [
            {"path": str(path), "mime_type": image.mime_type}
            for path, image in zip(paths, execution.images, strict=True)
        ],
        "duration": execution.duration,
        "session": identifier,
        "session_recycled": execution.session_recycled,
        "truncated": execution.truncated,
    }
