"""From AutoGen's kinds of function to core's specification."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias, cast

from autogen_core.code_executor import (
    Alias,
    FunctionWithRequirements,
    FunctionWithRequirementsStr,
    Import,
)

from dynamic_sessions.functions import (
    FunctionModule,
    FunctionSpec,
    Requirements,
    requirements_of,
    spec_from_callable,
    spec_from_source,
)

AutoGenFunction: TypeAlias = (
    FunctionWithRequirements[Any, Any]
    | FunctionWithRequirementsStr
    | Callable[..., Any]
    | FunctionSpec
    | str
)

_REQUIREMENT_DECORATORS = (
    "autogen_core.code_executor.with_requirements",
    "autogen_core.code_executor._func_with_reqs.with_requirements",
)


def function_module(
    functions: Sequence[AutoGenFunction], *, name: str, install_missing: bool
) -> FunctionModule:
    """Gather functions of AutoGen's and of core's kinds into the module that is injected.

    Raises:
        FunctionSourceError: A function cannot travel.
        ValueError: A requirement or the module name is malformed.
    """
    specs = [_spec_of(item) for item in functions]
    return FunctionModule.from_functions(specs, name=name, install_missing=install_missing)


def _spec_of(function: AutoGenFunction) -> FunctionSpec:
    if isinstance(function, FunctionSpec):
        return function
    if isinstance(function, str):
        return spec_from_source(function)
    if isinstance(function, FunctionWithRequirementsStr):
        declared = _requirements(function)
        return spec_from_source(function.func, packages=declared.packages, imports=declared.imports)
    return _spec_of_callable(function)


def _spec_of_callable(function: Callable[..., Any]) -> FunctionSpec:
    inner, declared = _without_wrappers(function)

    def requirements(item: object) -> Requirements:
        return declared | _requirements(item) if item is inner else _requirements(item)

    return spec_from_callable(
        inner, requirements=requirements, requirement_decorators=_REQUIREMENT_DECORATORS
    )


def _without_wrappers(function: Callable[..., Any]) -> tuple[Callable[..., Any], Requirements]:
    """Return what core can read, and what AutoGen's wrappers around it or inside it declare."""
    if isinstance(function, FunctionWithRequirements):
        wrapper = cast("FunctionWithRequirements[Any, Any]", function)
        inner, declared = _without_wrappers(wrapper.func)
        return inner, declared | _requirements(wrapper)
    if isinstance(function, partial):
        bound = cast("partial[Any]", function)
        inner, declared = _without_wrappers(bound.func)
        rebuilt = partial(inner, *bound.args, **bound.keywords)
        vars(rebuilt).update(vars(bound))
        return rebuilt, declared
    return function, Requirements()


def _requirements(function: object) -> Requirements:
    if isinstance(function, FunctionWithRequirements | FunctionWithRequirementsStr):
        declared = cast("FunctionWithRequirements[Any, Any]", function)
        return requirements_of(declared) | Requirements.checked(
            packages=declared.python_packages,
            imports=[_import_statement(item) for item in declared.global_imports],
        )
    return requirements_of(function)


def _import_statement(item: Import) -> str:
    if isinstance(item, str | Alias):
        return f"import {_with_alias(item)}"
    return f"from {item.module} import {', '.join(map(_with_alias, item.imports))}"


def _with_alias(item: str | Alias) -> str:
    return item if isinstance(item, str) else f"{item.name} as {item.alias}"
