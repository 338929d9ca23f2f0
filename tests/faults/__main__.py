"""By hand, from the folder of the tests: a campaign, or a proxy in front of a pool.

python -m faults campaign --cases 5000
python -m faults proxy http://127.0.0.1:8080/ --port 8081 --operation execute "502 after the run"
"""

import argparse
import asyncio
import random
import sys

from .campaign import run_campaign
from .faults import FAULTS
from .proxy import FaultProxy


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    campaign = commands.add_parser("campaign", help="operations and faults at random")
    campaign.add_argument("--cases", type=int, default=5000)
    campaign.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    proxy = commands.add_parser("proxy", help="let the next requests of an operation fail")
    proxy.add_argument("upstream")
    proxy.add_argument("--port", type=int, default=0)
    proxy.add_argument("--operation", default="execute")
    proxy.add_argument("faults", nargs="+", choices=FAULTS)
    arguments = parser.parse_args()
    if arguments.command == "proxy":
        asyncio.run(_stand_between(arguments))
        return 0
    account = asyncio.run(run_campaign(cases=arguments.cases, seed=arguments.seed))
    sys.stdout.write(account.as_json() + "\n")
    return 0 if account.is_clean else 1


async def _stand_between(arguments: argparse.Namespace) -> None:
    async with FaultProxy(arguments.upstream, port=arguments.port) as proxy:
        proxy.fail(arguments.operation, *(FAULTS[name] for name in arguments.faults))
        sys.stdout.write(f"{proxy.endpoint}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
