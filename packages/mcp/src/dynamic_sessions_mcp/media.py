"""What kind of thing a file is."""

import mimetypes

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_BINARY = "application/octet-stream"


def media_type(name: str, content: bytes) -> str:
    """Return the media type of a file: of pictures by their content, of others by their name.

    A model is shown what is a picture, whatever it is called; and nothing else as one.
    """
    for signature, kind in _SIGNATURES.items():
        if content.startswith(signature):
            return kind
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    guessed = named_media_type(name)
    return _BINARY if guessed.startswith("image/") and guessed != "image/svg+xml" else guessed


def named_media_type(name: str) -> str:
    """Return the media type that a file's name suggests."""
    return mimetypes.guess_type(name)[0] or _BINARY
