"""Which session pool the command talks to: from its options, the environment, or the profile file."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from platformdirs import user_config_path

from dynamic_sessions.endpoints import ENDPOINT_VARIABLE, LOCAL, TOKEN_VARIABLE, choose_endpoint
from dynamic_sessions.pool import DEFAULT_API_VERSION
from dynamic_sessions_cli.statuses import CommandError

APPLICATION = "dynamic-sessions"
PROFILE_VARIABLE = "DYNAMIC_SESSIONS_PROFILE"
CONFIGURATION_VARIABLE = "DYNAMIC_SESSIONS_CONFIG"

_WORDS = frozenset({"endpoint", "token_variable", "session", "api_version"})


@dataclass(frozen=True, kw_only=True)
class Target:
    """A session pool, and how to reach it."""

    endpoint: str
    source: str
    """Where the endpoint was named, for a person to read."""
    token_variable: str = TOKEN_VARIABLE
    """The environment variable whose token is sent, where it is set."""
    session: str | None = None
    api_version: str = DEFAULT_API_VERSION
    token: str | None = field(default=None, repr=False)
    """None means that azure-identity finds one."""

    @property
    def is_own_process(self) -> bool:
        """Whether the pool begins and ends with the command."""
        return self.endpoint == LOCAL


def configuration_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the profile file is, or would be."""
    named = environment.get(CONFIGURATION_VARIABLE)
    return Path(named) if named else user_config_path(APPLICATION, appauthor=False) / "config.toml"


def choose_target(
    endpoint: str | None, profile: str | None, environment: Mapping[str, str] = os.environ
) -> Target:
    """Return the session pool that is meant.

    Options go before the environment, and that before the default of the profile file; at each of
    them an endpoint goes before a profile.

    Raises:
        CommandError: None is named, or what is named makes no sense.
    """
    if endpoint and profile:
        raise CommandError("--endpoint and --profile name two session pools.", "Give one of them.")
    if endpoint:
        return _named(endpoint, "--endpoint", environment)
    if profile:
        return _profile(profile, environment)
    if environment.get(ENDPOINT_VARIABLE):
        return _named(environment[ENDPOINT_VARIABLE], ENDPOINT_VARIABLE, environment)
    name = environment.get(PROFILE_VARIABLE) or _read_default(environment)
    if name is None:
        raise CommandError(
            "No session pool was named.",
            "Pass --endpoint with the pool management endpoint of a session pool in Azure, or with "
            f'"{LOCAL}" for a sandboxed pool on this machine; or set {ENDPOINT_VARIABLE}; or name a '
            f"default profile in {configuration_file(environment)}.",
        )
    return _profile(name, environment)


def _named(endpoint: str, source: str, environment: Mapping[str, str]) -> Target:
    return Target(
        endpoint=_checked(endpoint, source),
        source=source,
        token=environment.get(TOKEN_VARIABLE) or None,
    )


def _checked(endpoint: str, source: str) -> str:
    try:
        return choose_endpoint(endpoint)
    except ValueError as error:
        raise CommandError(f"{source}: {error}") from error


def _profile(name: str, environment: Mapping[str, str]) -> Target:
    path = configuration_file(environment)
    profiles = _table(_read(path).get("profiles", {}), path, "profiles")
    if name not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        raise CommandError(f"There is no profile {name!r} in {path}.", f"It has: {known}.")
    profile = _table(profiles[name], path, f"profiles.{name}")
    for word, value in profile.items():
        if word not in _WORDS:
            raise CommandError(
                f"{path}: profiles.{name} has {word!r}, which means nothing here.",
                "The file holds no tokens: name the environment variable that does in "
                "token_variable."
                if word == "token"
                else f"A profile has {', '.join(sorted(_WORDS))}.",
            )
        if not isinstance(value, str):
            raise CommandError(f"{path}: {word} of profiles.{name} is not a text.")
    values = cast("dict[str, str]", profile)
    if "endpoint" not in values:
        raise CommandError(f"{path}: profiles.{name} has no endpoint.")
    variable = values.get("token_variable", TOKEN_VARIABLE)
    token = environment.get(variable) or None
    if "token_variable" in values and token is None:
        raise CommandError(
            f"The environment variable {variable}, which profile {name!r} takes its token from, is "
            "not set.",
            f"Set it, or take token_variable out of {path} to sign in with azure-identity.",
        )
    return Target(
        endpoint=_checked(values["endpoint"], f"profile {name!r}"),
        source=f"profile {name!r}",
        token_variable=variable,
        session=values.get("session"),
        api_version=values.get("api_version", DEFAULT_API_VERSION),
        token=token,
    )


def _read_default(environment: Mapping[str, str]) -> str | None:
    path = configuration_file(environment)
    default = _read(path).get("default")
    if default is None or isinstance(default, str):
        return default
    raise CommandError(f"{path}: default is not the name of a profile.")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error


def _table(value: object, path: Path, name: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise CommandError(f"{path}: {name} is not a table.")
