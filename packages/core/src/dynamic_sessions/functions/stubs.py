"""A function or a class as a model should see it: what it takes and means, the bodies left out."""

import ast
import inspect
import io
import textwrap
import tokenize
from enum import IntEnum

from dynamic_sessions.functions.parsing import parsed_statement
from dynamic_sessions.functions.partials import without_bound_arguments
from dynamic_sessions.functions.scope import bound_names
from dynamic_sessions.functions.spec import FunctionSpec

_SHOWN_METHODS = frozenset({"__init__", "__call__"})


class Detail(IntEnum):
    """How much a stub tells, in falling order."""

    FULL = 0
    FIRST_LINE = 1
    """Of the docstring only the first line."""
    SIGNATURE = 2
    """No docstring."""
    BARE = 3
    """No docstring and no annotations."""


def stub(spec: FunctionSpec, detail: Detail = Detail.FULL) -> str:
    """Return the stub of a function or a class, in the words of its own source.

    The signature is copied, not reconstructed: annotations and defaults stay as written, and
    async def stays what it is. A class shows its fields and the signatures of public methods.
    """
    return _statement_stub(spec.source, parsed_statement(spec.source), detail)


def type_stub(spec: FunctionSpec, name: str, detail: Detail = Detail.FULL) -> str:
    """Return the stub of one of the types that a function's signature mentions."""
    for text in spec.support:
        statement = parsed_statement(text)
        if name in bound_names(statement):
            return _statement_stub(text, statement, detail)
    raise ValueError(f"{name!r} is not a type of the function {spec.name}.")


def _statement_stub(text: str, statement: ast.stmt, detail: Detail) -> str:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return _function_stub(text, statement, detail)
        case ast.ClassDef():
            return _class_stub(text, statement, detail)
        case _:
            return text.rstrip()


def _function_stub(
    text: str, definition: ast.FunctionDef | ast.AsyncFunctionDef, detail: Detail
) -> str:
    if detail is Detail.BARE:
        return _rebuilt_signature(definition, annotated=False) + " ..."
    if without_bound_arguments(definition) is not None:
        head = _rebuilt_signature(definition, annotated=True)
    else:
        lines = list(io.StringIO(text))[definition.lineno - 1 :]
        head = _up_to_body("".join(lines))
    return "\n".join([head, *_documentation(definition, detail), "    ..."])


def _class_stub(text: str, definition: ast.ClassDef, detail: Detail) -> str:
    lines = list(io.StringIO(text))
    head = _up_to_body("".join(lines[definition.lineno - 1 :]))
    decorators = [f"@{ast.get_source_segment(text, item)}" for item in definition.decorator_list]
    inner = "\n".join(_member_stubs(text, definition, detail))
    body = [textwrap.indent(inner, "    ")] if inner else []
    parts = [*decorators, head, *_documentation(definition, detail), *body]
    return "\n".join(parts if len(parts) > len(decorators) + 1 else [*parts, "    ..."])


def _member_stubs(text: str, definition: ast.ClassDef, detail: Detail) -> list[str]:
    members: list[str] = []
    methods = min(max(detail, Detail.FIRST_LINE), Detail.SIGNATURE)
    for statement in definition.body:
        match statement:
            case ast.AnnAssign() | ast.Assign():
                members.append(ast.get_source_segment(text, statement) or "")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if name in _SHOWN_METHODS or not name.startswith("_"):
                    members.append(_method_stub(text, statement, Detail(methods)))
            case _:
                pass
    return members


def _method_stub(text: str, method: ast.FunctionDef | ast.AsyncFunctionDef, detail: Detail) -> str:
    decorators = [f"@{ast.unparse(item)}\n" for item in method.decorator_list]
    source = "".join(list(io.StringIO(text))[method.lineno - 1 : method.end_lineno])
    head = _up_to_body(textwrap.dedent(source))
    documentation = _documentation(method, detail)
    end = ["\n".join(["", *documentation, "    ..."])] if documentation else [" ..."]
    return "".join([*decorators, head, *end])


def _documentation(
    definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, detail: Detail
) -> list[str]:
    documentation = inspect.cleandoc(ast.get_docstring(definition, clean=False) or "")
    if detail is Detail.FIRST_LINE:
        documentation = documentation.partition("\n")[0]
    if not documentation or detail > Detail.FIRST_LINE:
        return []
    return [textwrap.indent(_quoted(documentation), "    ")]


def _up_to_body(text: str) -> str:
    """Return the text from "def" or "class" up to the colon that opens the body."""
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.OP:
            continue
        if token.string in "([{":
            depth += 1
        elif token.string in ")]}":
            depth -= 1
        elif token.string == ":" and not depth:
            row, column = token.end
            lines = list(io.StringIO(text))[:row]
            return "".join([*lines[:-1], lines[-1][:column]])
    raise ValueError("The text is no definition.")


def _rebuilt_signature(
    definition: ast.FunctionDef | ast.AsyncFunctionDef, *, annotated: bool
) -> str:
    arguments = without_bound_arguments(definition) or definition.args
    returns = f" -> {ast.unparse(definition.returns)}" if definition.returns and annotated else ""
    if not annotated:
        for node in ast.walk(arguments):
            if isinstance(node, ast.arg):
                node.annotation = None
    keyword = "async def" if isinstance(definition, ast.AsyncFunctionDef) else "def"
    return f"{keyword} {definition.name}({ast.unparse(arguments)}){returns}:"


def _quoted(documentation: str) -> str:
    text = documentation.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if text.endswith('"'):
        text = text[:-1] + '\\"'
    return f'"""{text}\n"""' if "\n" in text else f'"""{text}"""'
