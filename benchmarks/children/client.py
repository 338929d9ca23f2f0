"""A client that executes again and again, and the processor time that each execution takes it.

The command line has the name of one in `benchmarks.executing`, as "module.function", and the
endpoint that it is to use. Each question is how many measurements to make.
"""

import asyncio
import importlib
import json
import sys
import time
import warnings

from benchmarks.executing import Client, Execute
from benchmarks.programs import ADD

EXECUTIONS = 20
"""One measurement is the mean of so many."""


def main() -> None:
    """Answer questions until standard input ends."""
    name, endpoint = json.loads(sys.argv[1])
    module, _, function = name.rpartition(".")
    warnings.simplefilter("ignore")  # that a peer is deprecated
    client = getattr(importlib.import_module(f"benchmarks.executing.{module}"), function)
    asyncio.run(_answer(client, endpoint))


async def _answer(client: Client, endpoint: str) -> None:
    async with client(endpoint) as execute:
        # Nothing else is to be done meanwhile.
        for line in sys.stdin:
            sys.stdout.write(json.dumps(await _measure(execute, json.loads(line))) + "\n")
            sys.stdout.flush()


async def _measure(execute: Execute, count: int) -> list[float]:
    result = str(await execute())  # which also sets up what later ones find
    if str(ADD.value) not in result:
        raise RuntimeError(f"not {ADD.value}: {result}")
    taken: list[float] = []
    for _ in range(count):
        begun = time.process_time()
        for _ in range(EXECUTIONS):
            await execute()
        taken.append((time.process_time() - begun) / EXECUTIONS)
    return taken


main()
