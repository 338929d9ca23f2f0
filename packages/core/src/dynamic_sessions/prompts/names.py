"""Names that code in a session chose, made harmless in a text."""


def on_one_line(name: str) -> str:
    """Return a file's name without line ends and the like, so that it cannot pose as other text."""
    return name if name.isprintable() else ascii(name)[1:-1]
