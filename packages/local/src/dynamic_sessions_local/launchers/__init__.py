"""Ways to start a kernel, and the choice of the strongest one that works on this machine."""

from dynamic_sessions_local.launchers.launcher import Launcher
from dynamic_sessions_local.launchers.selection import Attempt, select_launcher

__all__ = ["Attempt", "Launcher", "select_launcher"]
