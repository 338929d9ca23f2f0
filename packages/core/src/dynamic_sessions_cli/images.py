"""Pictures of a run: shown by the terminal where it can, else saved and named."""

import base64
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from dynamic_sessions import Image

Protocol = Literal["kitty", "iterm2"]

# What the kitty protocol takes at a time.
_KITTY_CHUNK = 4096


def save_images(images: Sequence[Image], folder: str) -> list[Path]:
    """Write pictures into a folder, each under the first name that is free there.

    Returns:
        Their paths.
    """
    if images:
        Path(folder).mkdir(parents=True, exist_ok=True)
    return [_save(image, Path(folder)) for image in images]


def _save(image: Image, folder: Path) -> Path:
    number = 0
    while True:
        number += 1
        path = folder / f"image-{number}.{_suffix(image)}"
        try:
            with path.open("xb") as file:
                file.write(image.data)
        except FileExistsError:
            continue
        return path


def _suffix(image: Image) -> str:
    # The session chose it, so that it may be anything.
    found = re.match(r"[a-z0-9]{1,8}", image.format.lower())
    return found[0] if found else "bin"


def inline_protocol(environment: Mapping[str, str] = os.environ) -> Protocol | None:
    """Return how this terminal shows pictures; None where it cannot, or nothing says that it can."""
    program, term = environment.get("TERM_PROGRAM", ""), environment.get("TERM", "")
    if "TMUX" in environment or term.startswith(("screen", "tmux")):
        return None
    if "KITTY_WINDOW_ID" in environment or term == "xterm-kitty" or program == "ghostty":
        return "kitty"
    if program in {"iTerm.app", "WezTerm"} or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    return None


def show_image(image: Image, protocol: Protocol | None) -> bool:
    """Show a picture in the terminal; return whether that was possible."""
    if protocol is None or (protocol == "kitty" and image.format != "png"):
        return False
    escape = _kitty(image) if protocol == "kitty" else _iterm2(image)
    sys.stdout.write(escape + "\n")
    sys.stdout.flush()
    return True


def _kitty(image: Image) -> str:
    encoded = base64.b64encode(image.data).decode()
    chunks = [
        encoded[start : start + _KITTY_CHUNK] for start in range(0, len(encoded), _KITTY_CHUNK)
    ]
    parts: list[str] = []
    for number, chunk in enumerate(chunks):
        more = int(number < len(chunks) - 1)
        control = f"a=T,f=100,m={more}" if number == 0 else f"m={more}"
        parts.append(f"\x1b_G{control};{chunk}\x1b\\")
    return "".join(parts)


def _iterm2(image: Image) -> str:
    encoded = base64.b64encode(image.data).decode()
    return f"\x1b]1337;File=inline=1;size={len(image.data)}:{encoded}\x07"
