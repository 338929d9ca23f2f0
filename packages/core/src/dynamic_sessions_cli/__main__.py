"""`python -m dynamic_sessions_cli`, for where the command is not on PATH."""

import sys

from dynamic_sessions_cli import main

if __name__ == "__main__":
    sys.exit(main())
