"""A session pool on this machine: the dynamic sessions HTTP API in front of sandboxed kernels.

Importing this package is cheap: core finds it through an entry point, and neither the web server
nor what starts kernels is loaded before a pool starts.
"""

from dynamic_sessions_local.errors import SandboxUnavailableError
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.pool import LocalSessionPool, shared_pool

__all__ = ["Limits", "LocalSessionPool", "SandboxUnavailableError", "shared_pool"]
