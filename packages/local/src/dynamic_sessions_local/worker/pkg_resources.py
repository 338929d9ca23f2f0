"""What a session has as `pkg_resources` where its interpreter has none.

The service's sessions have setuptools' module of that name, and a widely used client asks it for the
list of packages before it runs anything. setuptools has given it up. This is the part of it that
describes what is installed; a library that asks for more gets an ImportError or AttributeError, as
from any version that lacks a name.
"""

import sys
from collections.abc import Iterator
from importlib import metadata
from pkgutil import extend_path


class DistributionNotFound(Exception):  # noqa: N818 - the name that programs catch
    """No distribution of that name is installed."""


class Distribution:
    """A distribution that is installed.

    Attributes:
        project_name: Its name as its authors write it.
        key: The same in lower case.
        version: Its version.
    """

    def __init__(self, name: str, version: str) -> None:
        self.project_name = name
        self.key = name.lower()
        self.version = version

    def __repr__(self) -> str:
        return f"{self.project_name} {self.version}"


class WorkingSet:
    """The distributions that can be imported from now, each once."""

    def __iter__(self) -> Iterator[Distribution]:
        return iter(self.by_key.values())

    @property
    def by_key(self) -> dict[str, Distribution]:
        """The distributions by key; of several with one key, the one that an import would find."""
        found: dict[str, Distribution] = {}
        for each in metadata.distributions():
            fields = each.metadata
            # One that was removed by halves has a folder and no name.
            if fields["Name"]:
                distribution = Distribution(fields["Name"], fields["Version"])
                found.setdefault(distribution.key, distribution)
        return found


working_set = WorkingSet()


def get_distribution(name: str) -> Distribution:
    """Return the distribution of a name.

    Raises:
        DistributionNotFound: There is none.
    """
    try:
        fields = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        raise DistributionNotFound(name) from None
    return Distribution(fields["Name"], fields["Version"])


def declare_namespace(name: str) -> None:
    """Have a package that is being imported share its name with others on the path."""
    package = sys.modules[name]
    package.__path__ = extend_path(package.__path__, name)
