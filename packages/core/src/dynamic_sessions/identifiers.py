"""Names of sessions: which are valid, and how to make ones that nobody can guess."""

import hashlib
import hmac
import re

_SHORTEST_KEY = 16

# OpenAPI document of 2025-10-02-preview: 4 to 128 of these characters.
_IDENTIFIER = re.compile(r"""[A-Za-z0-9_|}{\[\]:";'<>?/.,@#$%^&*()\-+=!~`]{4,128}""")


def check_identifier(identifier: str) -> str:
    """Return a session's identifier that the service accepts.

    Raises:
        ValueError: It has a wrong length or a character that the service does not take.
    """
    if not _IDENTIFIER.fullmatch(identifier):
        raise ValueError(
            f"{identifier!r} is not a session identifier: 4 to 128 letters, digits and signs "
            "without blanks."
        )
    return identifier


def identifier_for(user: str, conversation: str, *, key: str | bytes) -> str:
    """Return the identifier of a user's session in a conversation.

    Whoever knows an identifier and may use the pool reaches its session, so that an identifier
    made of names alone is open to anyone who knows them. This one is a keyed hash (HMAC-SHA-256):
    the same for the same arguments, in every process, and not to be found without the key.

    Example:
        >>> identifier_for("ada", "42", key="a secret of at least 16 bytes")
        'ac6482b0f4ebea91f5248f55e450d138a289d6ad7db15e9add56097272585979'

    Args:
        user: Who talks, such as a user id.
        conversation: Which of the user's conversations.
        key: A secret of the program's, at least 16 bytes.

    Raises:
        ValueError: The key is too short.
    """
    secret = key.encode() if isinstance(key, str) else key
    if len(secret) < _SHORTEST_KEY:
        raise ValueError(f"The key has at least {_SHORTEST_KEY} bytes.")
    parts = (user.encode(), conversation.encode())
    # With their lengths, so that ("ab", "c") and ("a", "bc") are two conversations.
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.new(secret, message, hashlib.sha256).hexdigest()
