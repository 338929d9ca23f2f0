"""How far a call has come, for whoever has to clean up after it."""


class Sending:
    """Tells whether a call may be having its effect.

    Attributes:
        has_begun: True from the first byte that was sent, until an answer proves that the call had
            no effect.
    """

    def __init__(self) -> None:
        self.has_begun = False
