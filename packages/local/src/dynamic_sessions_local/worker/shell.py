"""IPython's interactive shell, made to report to a service instead of to a terminal."""

# IPython annotates about half of its interface; this module is where the other half ends.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import ast
import contextlib
import os
import re
import sys
import traceback
import warnings
from collections.abc import Generator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from IPython.core import page
from IPython.core.autocall import ExitAutocall
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import print_figure
from traitlets import Type
from traitlets.config import Config

from . import figures, values
from .values import Value

# Other forms would be made and thrown away.
FORMATS = ("text/plain", "image/png", "image/jpeg")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Record:
    """What one execution leaves behind beside its output streams."""

    value: Value = field(default_factory=lambda: values.NO_VALUE)
    image: Value | None = None
    tracebacks: list[str] = field(default_factory=list[str])


class _Hook(DisplayHook):
    """Keeps the value of the last expression instead of printing it."""

    shell: "SessionShell"

    def quiet(self) -> bool:
        """Return whether the cell ends in a semicolon; only one that has any is taken apart for it."""
        history: Any = self.shell.history_manager
        return ";" in history.input_hist_parsed[-1] and bool(super().quiet())

    def __call__(self, result: object = None) -> None:
        """Keep a None that the code asked for; that a call returned none is not worth telling."""
        if result is None and not self.shell.ends_in_call and not self.quiet():
            self.shell.record.value = values.NULL
        super().__call__(result)

    def write_output_prompt(self) -> None:
        pass

    def compute_format_data(self, result: object) -> tuple[dict[str, Any], dict[str, Any]]:
        record = self.shell.record
        plain = values.primitive(result)
        if plain is not None:
            record.value = plain
            return {}, {}
        bundle, metadata = super().compute_format_data(result)
        record.value = values.from_bundle(bundle)
        record.image = values.image(bundle) or record.image
        return bundle, metadata

    def write_format_data(self, format_dict: object, md_dict: object = None) -> None:
        pass

    def cull_cache(self) -> None:
        """Forget the oldest fifth of the results under `Out`, without a warning to whoever runs code."""
        results = self.shell.user_ns["_oh"]
        for number in list(results)[: max(self.cache_size // 5, 1)]:
            del results[number]
            self.shell.user_ns.pop(f"_{number}", None)

    def log_output(self, format_dict: object) -> None:
        """Keep no copy: images would stay in memory for the life of the session."""

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Publisher(DisplayPublisher):
    """Keeps displayed images; what has no image is text, and goes to stdout."""

    shell: "SessionShell"

    def publish(self, data: dict[str, Any], *_: object, **__: object) -> None:
        picture = values.image(data)
        if picture is not None:
            self.shell.record.image = picture
        elif "text/plain" in data:
            print(data["text/plain"])  # noqa: T201 - stdout is where a program's text goes

    def clear_output(self, wait: bool = False) -> None:
        """Nothing to clear: output has left already."""


class _Exit(ExitAutocall):
    """`exit`, `exit()`, `quit(3)`: ends the cell as in a script, never the session."""

    def __call__(self, code: object = None) -> None:
        raise SystemExit(code)


class SessionShell(InteractiveShell):
    """One session's shell. `record` belongs to the execution at hand."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)
    record = Record()
    ends_in_call = False

    def enable_gui(self, gui: str | None = None) -> None:
        """Accept `%matplotlib inline`; there is no screen for anything else."""

    # The raw form lets children write to the session's own descriptors, in order.
    system = InteractiveShell.system_raw

    def showtraceback(
        self,
        exc_tuple: tuple[type[BaseException], BaseException, TracebackType] | None = None,
        filename: str | None = None,
        tb_offset: int | None = None,
        exception_only: bool = False,
        running_compiled_code: bool = False,
    ) -> None:
        """Keep the traceback of an error for the reply."""
        error = exc_tuple[1] if exc_tuple else sys.exc_info()[1]
        if isinstance(error, SystemExit):
            if error.code not in (None, 0):
                self.record.tracebacks.extend(traceback.format_exception_only(error))
        elif error is not None and _is_beyond_ipython(error):
            self.record.tracebacks.append(_plain_traceback(error))
        else:
            super().showtraceback(
                exc_tuple, filename, tb_offset, exception_only, running_compiled_code
            )

    def show_usage_error(self, exc: BaseException) -> None:
        """Keep the complaint about a magic command for the reply."""
        self.record.tracebacks.append(f"UsageError: {exc}")

    def _showtraceback(
        self, etype: type[BaseException], evalue: BaseException | None, stb: list[str]
    ) -> None:
        self.record.tracebacks.append(self.InteractiveTB.stb2text(stb))

    def _format_exception_for_storage(self, *_: object, **__: object) -> dict[str, Any]:
        """Format errors once, for the reply: the history that this would go to is not kept."""
        return {}

    def offer_html(self, wanted: bool) -> None:
        """Have values make their HTML too, which nobody sees in most pools."""
        formatter: Any = self.display_formatter
        formatter.active_types = [*FORMATS, "text/html"] if wanted else [*FORMATS]

    def start_record(self) -> None:
        """Forget the last execution's record."""
        self.record = Record()

    def run(self, code: str, *, remember: bool = True) -> BaseException | None:
        """Run code and return the error that it ended with."""
        result = self.run_cell(code, store_history=remember)
        return result.error_before_exec or result.error_in_exec

    def run_in_empty_kernel(self, code: str) -> BaseException | None:
        """Run code as if it were a session's first, and let nothing of it stay but its files.

        Modules stay imported; a process has them only once.
        """
        # Not by its path, which the session may have removed.
        folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        os.chdir(self._first_folder)
        try:
            with self._variables_put_aside():
                return self.run(code, remember=False)
        finally:
            os.fchdir(folder)
            os.close(folder)

    def rehearse(self, code: str) -> None:
        """Run code that leaves nothing behind but what it imported."""
        with self._variables_put_aside():
            self.run(code, remember=False)
        self.start_record()
        for name in ("last_type", "last_value", "last_traceback", "last_exc"):
            if hasattr(sys, name):
                delattr(sys, name)

    def begin(self) -> None:
        """Take what is there now for what a session begins with."""
        self._first_folder = os.getcwd()  # noqa: PTH109 - as it was set
        self._first = [dict(space) for space in (self.user_ns, self.user_ns_hidden)]

    @contextlib.contextmanager
    def _variables_put_aside(self) -> Generator[None]:
        spaces = (self.user_ns, self.user_ns_hidden)
        copies = [dict(space) for space in spaces]
        hook: Any = self.displayhook
        results = (hook._, hook.__, hook.___)
        for space, first in zip(spaces, self._first, strict=True):
            space.clear()
            space.update(first)
        hook._ = hook.__ = hook.___ = ""
        self.user_ns["_oh"] = self.user_ns["Out"] = {}
        try:
            yield
        finally:
            for space, copy in zip(spaces, copies, strict=True):
                space.clear()
                space.update(copy)
            hook._, hook.__, hook.___ = results

    async def run_ast_nodes(
        self, nodelist: list[ast.stmt], *args: Any, **kwargs: Any
    ) -> bool | None:
        """Note how the cell ends, then run it."""
        last = nodelist[-1] if nodelist else None
        self.ends_in_call = isinstance(last, ast.Expr) and _is_call(last.value)
        return await super().run_ast_nodes(nodelist, *args, **kwargs)

    def take_traceback(self) -> str:
        """Return the tracebacks of this execution, without colours."""
        return COLOUR.sub("", "\n".join(text.rstrip() for text in self.record.tracebacks))

    def show_open_figures(self) -> None:
        """Take the figures that a cell left open, as if it had shown them."""
        left_open = figures.open_figures()
        formatter: Any = self.display_formatter
        for figure in left_open:
            bundle, _ = formatter.format(figure)
            self.display_pub.publish(bundle)
        if left_open:
            figures.close_figures()


def create_shell() -> SessionShell:
    """Return the process's shell: no history file, no colours, no pager, images as PNG or JPEG."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.banner1 = ""
    with warnings.catch_warnings():
        # Before IPython 9 the colour scheme has another spelling; colours are cut out anyhow.
        warnings.simplefilter("ignore")
        shell = SessionShell.instance(config=config)
    shell.exiter = _Exit(shell)
    shell.user_ns.update(exit=shell.exiter, quit=shell.exiter)
    shell.user_ns_hidden.update(exit=shell.exiter, quit=shell.exiter)
    shell.set_hook("show_in_pager", page.as_hook(page.display_page), 90)
    formatter: Any = shell.display_formatter
    shell.offer_html(False)
    # Not left to the inline backend: it sets itself up after the first cell that imports pyplot,
    # and until then a figure would have no image.
    formatter.formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", print_figure)
    shell.events.register("post_execute", shell.show_open_figures)
    # IPython's advice after SystemExit is for people at a terminal.
    warnings.filterwarnings("ignore", message="To exit: use 'exit'")
    shell.begin()
    return shell


def _is_call(value: ast.expr) -> bool:
    return isinstance(value.value if isinstance(value, ast.Await) else value, ast.Call)


def _is_beyond_ipython(error: BaseException) -> bool:
    """Return whether the standard library formats it better: a group, or without a text."""
    try:
        str(error)
    except BaseException:  # noqa: BLE001 - it is user code that runs here
        return True
    return isinstance(error, BaseExceptionGroup)


def _plain_traceback(error: BaseException) -> str:
    # The first frame is IPython's own.
    own = error.__traceback__.tb_next if error.__traceback__ else None
    return "".join(traceback.format_exception(type(error), error, own))
