"""On Azure: a session pool by its endpoint, and DefaultAzureCredential.

    az login
    export DYNAMIC_SESSIONS_ENDPOINT=https://REGION.dynamicsessions.io/subscriptions/…/sessionPools/POOL
    .venv/bin/python examples/on_azure.py

Any other server of the same API works as well, by its endpoint and DYNAMIC_SESSIONS_TOKEN.
"""

import asyncio
import os
import sys

from azure.identity.aio import DefaultAzureCredential

from cars import CARS, load_cars
from dynamic_sessions import AsyncSessionPool, PermissionDeniedError, ServiceError

CODE = """
import matplotlib.pyplot as plt

load_cars().groupby("year").litres_per_100_km.mean().plot(title="litres per 100 km")
"""


async def main(endpoint: str) -> None:
    """Run code in a session of the pool, and clean up after it."""
    token = os.environ.get("DYNAMIC_SESSIONS_TOKEN")
    async with (
        DefaultAzureCredential() as azure,
        # The service ends code after 220 seconds; more sessions than these wait their turn here.
        AsyncSessionPool(endpoint, token or azure, timeout=60, max_sessions=20) as pool,
    ):
        session = pool.session(functions=[load_cars])
        await session.files.upload(CARS)
        run = (await session.execute(CODE)).raise_for_status()
        print(f"{run.status} after {run.duration:.1f} s, with {len(run.images)} image")
        packages = await session.list_packages()
        print(f"{len(packages)} packages, among them pandas {packages['pandas']}")


if __name__ == "__main__":
    if "DYNAMIC_SESSIONS_ENDPOINT" not in os.environ:
        sys.exit("Set DYNAMIC_SESSIONS_ENDPOINT to the pool management endpoint of your pool.")
    try:
        asyncio.run(main(os.environ["DYNAMIC_SESSIONS_ENDPOINT"]))
    except PermissionDeniedError as error:
        sys.exit(f"Give this identity 'Azure ContainerApps Session Executor' on the pool: {error}")
    except ServiceError as error:
        sys.exit(f"{error}\nMay the code have run? {'Perhaps' if error.outcome_unknown else 'No'}.")
