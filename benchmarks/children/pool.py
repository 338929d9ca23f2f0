"""A local pool in a process of its own, made with the arguments that are given as JSON."""

import json
import sys

from dynamic_sessions_local import Limits, LocalSessionPool


def main() -> None:
    """Say how to reach the pool, and serve until standard input ends."""
    arguments = json.loads(sys.argv[1])
    limits = Limits(**arguments.pop("limits", {}))
    with LocalSessionPool(limits=limits, **arguments) as pool:
        about = {
            "endpoint": pool.endpoint,
            "token": pool.credential.get_token().token,
            "isolation": pool.isolation,
            "launcher": pool.launcher,
            "certificate": None if pool.certificate is None else str(pool.certificate),
        }
        sys.stdout.write(json.dumps(about) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


main()
