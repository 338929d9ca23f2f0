"""The figures that pyplot holds, without importing matplotlib before the user does."""

import sys
from typing import Any


def open_figures() -> list[Any]:
    """Return the figures that pyplot holds, the one used last at the end."""
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is None:
        return []
    return [manager.canvas.figure for manager in helpers.Gcf.get_all_fig_managers()]


def close_figures() -> None:
    """Close what pyplot holds, so that a figure belongs to one execution."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")
