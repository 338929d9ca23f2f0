import sys

from dynamic_sessions_mcp.cli import main

sys.exit(main())
