#!/usr/bin/env python3
"""Build wheels and source distributions of all packages, with links that lead somewhere.

A page of a package index stands alone: what its README links to in this repository, and where the
package comes from, has to be named in full. Where the repository will be, it does not know itself.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\((?!https?://|#)([^)]+)\)")


def prepare(package: Path, repository: str) -> None:
    """Name in full, in a copy of the package below a copy of the root, what its page links to."""
    root = package.parents[1]
    project = package / "pyproject.toml"
    text = project.read_text()
    files = f"{repository}/blob/v{tomllib.loads(text)['project']['version']}"

    def absolute(link: re.Match[str]) -> str:
        path, mark, fragment = link[1].partition("#")
        target = (package / path).resolve().relative_to(root.resolve())
        return f"]({files}/{target}{mark}{fragment})"

    readme = package / "README.md"
    readme.write_text(LINK.sub(absolute, readme.read_text()))
    urls = {
        "Changelog": f"{files}/CHANGELOG.md",
        "Documentation": f"{files}/docs",
        "Issues": f"{repository}/issues",
        "Source": repository,
    }
    lines = ["", "[project.urls]", *(f'{name} = "{url}"' for name, url in urls.items()), ""]
    project.write_text(text + "\n".join(lines))


def build(repository: str, out: Path) -> None:
    """Build each package into a folder: the wheel from its source distribution, as an index would."""
    uv = os.environ["UV"]
    uv = str(ROOT / uv) if os.sep in uv else uv
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copy(ROOT / "pyproject.toml", copy)
        shutil.copytree(
            ROOT / "packages", copy / "packages", ignore=shutil.ignore_patterns("__pycache__")
        )
        for package in sorted((copy / "packages").iterdir()):
            prepare(package, repository)
        command = [uv, "build", "--quiet", "--all-packages", "--out-dir", out.absolute()]
        subprocess.run(command, cwd=copy, check=True)  # noqa: S603 - our own build tool
    made = sorted(str(path) for path in out.iterdir() if path.suffix in {".whl", ".gz"})
    check = [sys.executable, "-m", "twine", "check", "--strict", *made]
    subprocess.run(check, check=True)  # noqa: S603 - our own environment


def main(arguments: Sequence[str]) -> None:
    """Read the command line, and build."""
    parser = argparse.ArgumentParser(description="Build all packages for a release.")
    parser.add_argument("repository", help="where it will be: https://github.com/OWNER/REPOSITORY")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="(default: dist/)")
    options = parser.parse_args(arguments)
    if not options.repository.startswith("https://"):
        parser.error("the repository is named by its https address")
    build(options.repository.rstrip("/"), options.out)


if __name__ == "__main__":
    main(sys.argv[1:])
