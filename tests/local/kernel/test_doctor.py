"""What the doctor finds, on this machine and on some that lack a thing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dynamic_sessions_local import doctor
from dynamic_sessions_local.doctor import Diagnosis, Finding, diagnose
from dynamic_sessions_local.launchers import selection
from dynamic_sessions_local.sandbox.profile import find_bubblewrap


def by_name(diagnosis: Diagnosis) -> dict[str, Finding]:
    return {finding.mechanism: finding for finding in diagnosis.findings}


async def test_everything_works_where_the_tests_run() -> None:
    diagnosis = await diagnose()
    assert diagnosis.launcher == "fork"
    assert {
        name for name, found in by_name(diagnosis).items() if found.verdict == "missing"
    } == set()
    assert {
        "interpreter", "bubblewrap", "launcher fork", "launcher spawn", "namespaces", "privileges",
        "system call filter", "resource limits", "file quota", "memory watch", "interrupts",
    } <= set(by_name(diagnosis))  # fmt: skip


@pytest.fixture
def replace_bubblewrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    real = find_bubblewrap()[0]

    def replace(script: str) -> None:
        program = tmp_path / "bwrap"
        program.write_text(f"#!/bin/sh\nbwrap={real}\n{script}\n")
        program.chmod(0o755)
        for module in (selection, doctor):
            monkeypatch.setattr(module, "find_bubblewrap", lambda: [str(program)])

    return replace


async def test_namespaces_that_cannot_be_nested_only_cost_speed(
    replace_bubblewrap: Callable[[str], None],
) -> None:
    replace_bubblewrap(
        'case " $* " in *" zygote "*) echo "bwrap: no nesting" >&2; exit 1;; esac\nexec "$bwrap" "$@"'
    )
    diagnosis = await diagnose()
    found = by_name(diagnosis)
    assert diagnosis.launcher == "spawn"
    assert (found["launcher fork"].verdict, found["launcher fork"].detail) == (
        "weaker",
        "bwrap: no nesting",
    )
    assert "capabilities within its own user namespace" in found["launcher fork"].cure
    assert found["launcher spawn"].verdict == "works"
    assert found["namespaces"].verdict == "works"
    assert "with the launcher spawn" in diagnosis.conclusion


async def test_a_machine_that_refuses_namespaces_is_told_what_to_allow(
    replace_bubblewrap: Callable[[str], None],
) -> None:
    replace_bubblewrap(
        '[ "$1" = --version ] && exec "$bwrap" "$@"\n'
        'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1'
    )
    diagnosis = await diagnose()
    assert diagnosis.launcher is None
    assert "AppArmor" in by_name(diagnosis)["launcher spawn"].cure
    assert not diagnosis.fit
    assert "cannot start here" in diagnosis.conclusion


async def test_a_machine_without_bubblewrap_is_told_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (selection, doctor):
        monkeypatch.setattr(module, "find_bubblewrap", list[str])
    diagnosis = await diagnose()
    assert diagnosis.launcher is None
    assert "apt install bubblewrap" in by_name(diagnosis)["bubblewrap"].cure


async def test_an_interpreter_that_cannot_host_sessions_ends_the_search() -> None:
    diagnosis = await diagnose("/no/such/python")
    assert diagnosis.launcher is None
    assert "/no/such/python" in diagnosis.findings[0].detail
    assert not [name for name in by_name(diagnosis) if name.startswith("launcher")]


async def test_an_environment_without_the_data_stack_is_named(environment: Path) -> None:
    finding = by_name(await diagnose(str(environment / "bin/python")))["interpreter"]
    assert finding.verdict == "weaker"
    assert "has no numpy, pandas, matplotlib.pyplot" in finding.detail
    assert "dynamic-sessions-local[data]" in finding.cure
