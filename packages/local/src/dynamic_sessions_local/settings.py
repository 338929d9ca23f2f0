"""What a pool was asked to be, apart from the server that makes it so."""

from dataclasses import dataclass, field
from typing import Literal

from dynamic_sessions_local.limits import Limits

Isolation = Literal["sandbox", "none"]
LauncherName = Literal["fork", "spawn"]
Kind = Literal["python", "shell"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a pool is to be: the arguments of `LocalSessionPool`."""

    host: str
    token: str = field(repr=False)
    python: str | None
    tls: bool
    kind: Kind
    isolation: Isolation
    launcher: LauncherName | None
    preload: tuple[str, ...] | None
    limits: Limits
    warm: int
    max_warm: int
    max_sessions: int
    cooldown: float
    inspector: bool
