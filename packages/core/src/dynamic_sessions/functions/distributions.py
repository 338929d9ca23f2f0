"""What to install for an import: the names of modules and of distributions differ."""

from collections.abc import Iterable

from dynamic_sessions.functions.host_modules import distributions_of
from dynamic_sessions.functions.spec import imported_module

# For what this machine does not have either. As requirements these names mean the same: no
# distribution of use is called so.
_WELL_KNOWN = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}


def distributions_to_install(packages: Iterable[str], imports: Iterable[str]) -> dict[str, str]:
    """Return what to hand to pip for each requirement and import that is not met.

    An import is left out where neither this machine's packages nor common knowledge say which
    distribution it comes from: a guess would install whatever goes by that name.
    """
    found = {package: _as_distribution(package) for package in packages}
    for statement in imports:
        root = imported_module(statement).partition(".")[0]
        here = distributions_of(root)
        name = here[0] if len(here) == 1 else _WELL_KNOWN.get(root)
        if name is not None:
            found[statement] = name
    return found


def _as_distribution(package: str) -> str:
    from packaging.requirements import Requirement  # noqa: PLC0415 - slow, and seldom needed

    requirement = Requirement(package)
    requirement.name = _WELL_KNOWN.get(requirement.name, requirement.name)
    return str(requirement)
