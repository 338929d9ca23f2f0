"""Which session pool is meant."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dynamic_sessions_cli.profiles import choose_target, configuration_file
from dynamic_sessions_cli.statuses import CommandError

from .commanding import TOKEN, Command

AZURE = "https://westus2.dynamicsessions.io/subscriptions/s/resourceGroups/g/sessionPools/p"
FILE = f"""
default = "azure"

[profiles.azure]
endpoint = "{AZURE}"
session = "mine"
api_version = "2025-02-02-preview"

[profiles.laptop]
endpoint = "http://127.0.0.1:8800/"
token_variable = "LAPTOP_TOKEN"
"""

Write = Callable[[str], Mapping[str, str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the profile file, and returns an environment that names it."""
    path = tmp_path / "config.toml"

    def write(text: str) -> Mapping[str, str]:
        path.write_text(text)
        return {"DYNAMIC_SESSIONS_CONFIG": str(path)}

    return write


@pytest.mark.parametrize(
    ("endpoint", "profile", "variables", "chosen"),
    [
        ("local", None, {"DYNAMIC_SESSIONS_ENDPOINT": AZURE}, "local"),
        (None, "laptop", {"DYNAMIC_SESSIONS_ENDPOINT": AZURE}, "http://127.0.0.1:8800/"),
        (None, None, {"DYNAMIC_SESSIONS_ENDPOINT": "local"}, "local"),
        (None, None, {"DYNAMIC_SESSIONS_PROFILE": "laptop"}, "http://127.0.0.1:8800/"),
        (None, None, {}, AZURE),
    ],
)
def test_what_is_nearer_goes_first(
    write: Write,
    endpoint: str | None,
    profile: str | None,
    variables: dict[str, str],
    chosen: str,
) -> None:
    environment = {**write(FILE), "LAPTOP_TOKEN": "t", **variables}

    assert choose_target(endpoint, profile, environment).endpoint == chosen


def test_a_profile_says_the_rest_too(write: Write) -> None:
    environment = write(FILE)
    azure = choose_target(None, "azure", environment)
    laptop = choose_target(None, "laptop", {**environment, "LAPTOP_TOKEN": TOKEN})

    assert (azure.session, azure.api_version, azure.token) == ("mine", "2025-02-02-preview", None)
    assert laptop.token == TOKEN
    assert TOKEN not in repr(laptop)


@pytest.mark.parametrize(
    ("text", "profile", "word"),
    [
        (FILE, "elsewhere", "azure, laptop"),
        (FILE, "laptop", "LAPTOP_TOKEN"),
        ("[profiles.a]\nsession = 'x'", "a", "endpoint"),
        ("[profiles.a]\nendpoint = 'local'\ntoken = 'x'", "a", "token_variable"),
        ("[profiles.a]\nendpoint = 'local'\ncolour = 'x'", "a", "colour"),
        ("[profiles.a]\nendpoint = 1", "a", "endpoint"),
        ("[profiles.a]\nendpoint = 'pool.test'", "a", "profile 'a'"),
        ("profiles = 1", "a", "profiles"),
        ("default = 1", None, "default"),
        ("no TOML", "a", "config.toml"),
        ("", None, "--endpoint"),
    ],
)
def test_what_makes_no_sense_is_said_with_its_place(
    write: Write, text: str, profile: str | None, word: str
) -> None:
    with pytest.raises(CommandError) as raised:
        choose_target(None, profile, write(text))

    assert word in f"{raised.value} {raised.value.cure}"


def test_an_endpoint_and_a_profile_are_one_too_many() -> None:
    with pytest.raises(CommandError):
        choose_target("local", "azure", {})


def test_the_file_is_where_the_platform_keeps_such_files(command: Command) -> None:
    path = command.folder / "configuration" / "dynamic-sessions" / "config.toml"
    path.parent.mkdir(parents=True)
    endpoint = command.variables["DYNAMIC_SESSIONS_ENDPOINT"]
    path.write_text(
        f'default = "here"\n[profiles.here]\nendpoint = "{endpoint}"\ntoken_variable = "T"'
    )

    ended = Command(folder=command.folder)("run", "-c", "6 * 7", T=TOKEN)

    assert (ended.status, ended.out, ended.err) == (0, "42\n", "")
    assert configuration_file(os.environ).name == "config.toml"
