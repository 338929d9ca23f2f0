"""A page that shows what sessions run, and what it is made from."""

from starlette.routing import Route

from dynamic_sessions_local.inspector.calls import InspectorCalls
from dynamic_sessions_local.inspector.page import PAGES, PageCalls
from dynamic_sessions_local.sessions import Sessions
from dynamic_sessions_local.settings import Kind

__all__ = ["INSPECTOR_PAGES", "inspector_routes"]

INSPECTOR_PAGES = frozenset(PAGES)


def inspector_routes(sessions: Sessions, kind: Kind) -> list[Route]:
    """The routes of the page and of what it asks for.

    Args:
        sessions: What it shows.
        kind: What the pool's sessions run.
    """
    calls, page = InspectorCalls(sessions, kind), PageCalls()
    api = "/inspect/api"
    return [
        *(Route(path, page.get, methods=["GET"]) for path in PAGES),
        Route(f"{api}/sessions", calls.list_sessions, methods=["GET"]),
        Route(f"{api}/sessions/events", calls.watch_sessions, methods=["GET"]),
        Route(f"{api}/cells", calls.list_cells, methods=["GET"]),
        Route(f"{api}/cells/events", calls.watch_cells, methods=["GET"]),
        Route(f"{api}/interrupt", calls.interrupt, methods=["POST"]),
        Route(f"{api}/notebook", calls.export_notebook, methods=["GET"]),
        Route(f"{api}/script", calls.export_script, methods=["GET"]),
    ]
