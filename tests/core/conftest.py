import pytest


@pytest.fixture
def without_local_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if dynamic-sessions-local were not installed."""

    def no_entry_points(**_: str) -> tuple[()]:
        return ()

    monkeypatch.setattr("dynamic_sessions.endpoints.entry_points", no_entry_points)
