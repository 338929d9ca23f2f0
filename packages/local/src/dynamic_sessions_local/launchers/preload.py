"""What is said of modules that could not be loaded beforehand."""

import logging
from collections.abc import Mapping

_logger = logging.getLogger(__name__)


class PreloadReport:
    """Warns of each module once, however many processes failed to load it."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def log(self, failures: Mapping[str, str]) -> None:
        """Warn of modules, by name and reason."""
        for name, reason in failures.items():
            if name not in self._known:
                self._known.add(name)
                _logger.warning("sessions start without %s preloaded: %s", name, reason)
