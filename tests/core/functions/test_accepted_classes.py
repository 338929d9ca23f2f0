"""Classes and partial functions give in a session what they give on the host."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from enum import Enum
from functools import partial
from typing import ClassVar, Generic, NamedTuple, TypedDict, TypeVar

import pytest

from dynamic_sessions import FunctionModule, FunctionSourceError, with_requirements
from dynamic_sessions.functions import spec_of
from dynamic_sessions.functions.stubs import stub

InSession = Callable[[FunctionModule, str], str]
T = TypeVar("T", bound=object)
UNIT = "kg"


@dataclass(frozen=True)
class Weight:
    amount: float
    scale: InitVar[float] = 1.0
    unit: str = UNIT
    known: ClassVar[list[str]] = ["kg", "t"]
    tags: list[str] = field(default_factory=list[str])

    def __post_init__(self, scale: float) -> None:
        object.__setattr__(self, "amount", self.amount * scale)

    def heavier(self, than: "Weight") -> bool:
        return self.amount > than.amount


class Colour(Enum):
    RED = "red"
    BLUE = "blue"

    @property
    def other(self) -> "Colour":
        return Colour.BLUE if self is Colour.RED else Colour.RED


class Row(TypedDict, total=False):
    name: str
    count: int


class Point(NamedTuple):
    x: int
    y: int = 2


class Stack(Generic[T]):
    def __init__(self) -> None:
        self.items: list[T] = []

    def push(self, item: T) -> "Stack[T]":
        self.items.append(item)
        return self


class Derived(Stack[int]):
    def push(self, item: int) -> "Derived":
        super().push(item + 1)
        return self


class Outer:
    class Inner:
        value = 7


def make_local_class() -> type:
    class Local:
        def get(self) -> str:
            return UNIT

    return Local


def convert(
    amount: float, /, currency: str = "USD", *extra: int, digits: int = 2, **more: int
) -> str:
    """Convert."""
    return f"{amount:.{digits}f} {currency} {extra} {more}"


def power(base: int, exponent: int) -> int:
    return 1 if exponent == 0 else base * power(base, exponent=exponent - 1)


async def fetch(name: str, retries: int = 3) -> str:
    return f"{name} {retries}"


def keep(kept: set[str]) -> list[str]:
    return sorted(kept)


cube = partial(power, exponent=3)
cube.__name__ = "cube"  # pyright: ignore[reportAttributeAccessIssue] - a partial takes any

CALLS: list[tuple[Callable[..., object], str]] = [
    (Weight, "(lambda w: (w, w.amount, w.heavier(Weight(1)), Weight.known))(Weight(2, 3))"),
    (Colour, "[Colour.RED.other, Colour('blue').other.value]"),
    (Row, "Row(name='a', count=1), Row.__total__, sorted(Row.__optional_keys__)"),
    (Point, "Point(1), Point(1)._replace(y=3)"),
    (Stack, "Stack().push(1).push(2).items"),
    (Derived, "Derived().push(1).items, [c.__name__ for c in Derived.__mro__]"),
    (Outer.Inner, "Inner.value"),
    (make_local_class(), "Local().get()"),
    (partial(convert, 3.14159), "convert(), convert('EUR', 1, 2, digits=0, a=1)"),
    (partial(convert, 1, "EUR", 7), "convert(), convert(8)"),
    (
        partial(convert, z=1, currency="EUR", a=2),
        "convert(2), convert(2, currency='USD', digits=3)",
    ),
    (partial(partial(convert, 1), digits=0), "convert(), convert('EUR', 4)"),
    (cube, "cube(2), cube(base=3)"),
]


@pytest.mark.parametrize(("function", "call"), CALLS)
def test_it_gives_in_a_session_what_it_gives_on_the_host(
    function: Callable[..., object], call: str, in_session: InSession
) -> None:
    module = FunctionModule.from_functions([function])

    here = repr(eval(call, {module.names[0]: function}))  # noqa: S307 - from the table above

    assert in_session(module, f"print(repr(({call})))") == here


def test_a_partial_of_an_asynchronous_function_stays_asynchronous(in_session: InSession) -> None:
    module = FunctionModule.from_functions([partial(fetch, retries=5)])

    assert in_session(module, "print(await fetch('a'))") == "a 5"


def test_requirements_of_a_class_and_of_a_partial_function_are_kept() -> None:
    @with_requirements(packages=["packaging"])
    class Needing:
        pass

    needing = with_requirements(packages=["httpx"])(partial(convert, 1))

    assert FunctionModule.from_functions([Needing, needing]).packages == ("httpx", "packaging")


@pytest.mark.parametrize(
    "function",
    [
        partial(convert, 1),
        partial(convert, 1, "EUR"),
        partial(convert, currency="EUR"),
        partial(convert, 1, digits=0),
        partial(convert, 1, "EUR", digits=3),
        partial(fetch, name="x"),
        partial(fetch, "x"),
        partial(power, 2),
    ],
)
def test_the_stub_of_a_partial_function_has_the_parameters_that_are_open(
    function: Callable[..., object],
) -> None:
    if function.func is power:  # pyright: ignore[reportFunctionMemberAccess]
        function.__name__ = "power_of_two"  # the function calls itself
    described = stub(spec_of(function))
    namespace: dict[str, Callable[..., object]] = {}
    exec(described, namespace)  # noqa: S102 - the stub above

    open_parameters = inspect.signature(list(namespace.values())[-1]).parameters.values()

    assert [(item.name, item.kind, item.default) for item in open_parameters] == [
        (item.name, item.kind, item.default)
        for item in inspect.signature(function).parameters.values()
    ]


def test_two_partials_of_one_function_need_names_of_their_own(in_session: InSession) -> None:
    euro, dollar = partial(convert, currency="EUR"), partial(convert, currency="USD")
    with pytest.raises(FunctionSourceError, match="rename"):
        FunctionModule.from_functions([euro, dollar])
    euro.__name__, dollar.__name__ = "euro", "dollar"  # pyright: ignore[reportAttributeAccessIssue]

    module = FunctionModule.from_functions([euro, dollar])

    assert in_session(module, "print(euro(1), dollar(1))") == f"{euro(1)} {dollar(1)}"


def test_the_text_of_a_partial_function_does_not_depend_on_the_order_of_sets() -> None:
    module = FunctionModule.from_functions([functools.partial(keep, {"b", "a", "c"})])

    assert "{'a', 'b', 'c'}" in module.source


def test_the_class_that_a_text_defines_can_be_injected(in_session: InSession) -> None:
    module = FunctionModule.from_functions(["import math\nclass C:\n    x = math.floor(2.5)\n"])

    assert in_session(module, "print(C.x)") == "2"
