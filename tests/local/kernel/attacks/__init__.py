"""Attacks on a session, and a program that tries them all and prints what came of them.

It is a program because a sandbox is another one for root than for an ordinary user, and the same
attacks run under either: `python -m attacks fork|spawn|plain [names]`, in the folder above.
"""

from .host import HOST
from .limits import LIMITS
from .neighbours import NEIGHBOURS
from .network import NETWORK
from .system_calls import SYSTEM_CALLS

ATTACKS = HOST | NETWORK | SYSTEM_CALLS | LIMITS | NEIGHBOURS

__all__ = ["ATTACKS"]
