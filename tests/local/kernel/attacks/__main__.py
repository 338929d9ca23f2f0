import asyncio
import json
import sys
from typing import Literal, cast

from . import ATTACKS
from .campaign import attack

name, *names = sys.argv[1:]
launcher = cast("Literal['fork', 'spawn', 'plain']", name)
print(json.dumps(asyncio.run(attack(launcher, names or list(ATTACKS)))))  # noqa: T201
