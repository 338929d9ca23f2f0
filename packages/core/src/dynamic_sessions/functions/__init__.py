"""Functions of the caller's own, made available to the code that runs in a session."""

from dynamic_sessions.functions.module import FunctionModule
from dynamic_sessions.functions.source import spec_from_callable, spec_from_source, spec_of
from dynamic_sessions.functions.spec import (
    FunctionSpec,
    InjectableFunction,
    Requirements,
    UnresolvedName,
    requirements_of,
    with_requirements,
)

__all__ = [
    "FunctionModule",
    "FunctionSpec",
    "InjectableFunction",
    "Requirements",
    "UnresolvedName",
    "requirements_of",
    "spec_from_callable",
    "spec_from_source",
    "spec_of",
    "with_requirements",
]
