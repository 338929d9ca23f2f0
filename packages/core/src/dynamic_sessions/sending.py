"""How far a call has come, for whoever has to clean up after it."""


class Sending:
    """Tells whether a call may be having its effect.

    Attributes:
        has_begun: True from the first byte that was sent, until an answer proves that the call had
            no effect.
        may_have_moved: True if the pool that may have the session could not be asked, so that
            another one has begun a new session under the same identifier.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self.may_have_moved = False
