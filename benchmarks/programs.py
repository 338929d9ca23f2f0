"""What is run in sessions, and how its result is known in an answer of ours and in a peer's."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Program:
    """Code with its result.

    Attributes:
        code: Python.
        value: Of the last expression, None where that does not matter.
        ours: Part of the pool's answer.
        theirs: Part of what a peer returns.
    """

    code: str
    value: int | None = None
    ours: bytes
    theirs: str


ADD = Program(code="1+1", value=2, ours=b'"executionResult":2', theirs="2")
PRINT = Program(code="print(1+1)", ours=b'"stdout":"2\\n"', theirs="2")
PLOT = Program(
    code="""
import matplotlib.pyplot as plt, numpy as np, pandas as pd
plt.plot(np.arange(10))
plt.show()
pd.DataFrame({"x": np.arange(10)}).describe()
""",
    ours=b'"type":"image"',
    theirs="png",
)

_IMPORTS = "import json\nfrom collections import Counter\n"


def functions(count: int, *, first: int = 0) -> tuple[str, ...]:
    """Texts of functions as an agent may be given them: with imports and a constant of their own.

    Args:
        count: How many.
        first: The number of the first one; those of other numbers are other functions.
    """
    return tuple(_IMPORTS + _function(number) for number in range(first, first + count))


def file_of_functions(count: int, *, first: int) -> str:
    """The same functions as one file has them."""
    return _IMPORTS + "".join(_function(number) for number in range(first, first + count))


def _function(number: int) -> str:
    return f"""
LIMIT_{number} = 3


def count_{number}(text: str, limit: int = LIMIT_{number}) -> list[str]:
    \"\"\"Return the most common words of a text.\"\"\"
    found = Counter(text.split()).most_common(limit)
    return json.loads(json.dumps([word for word, _ in found]))
"""
