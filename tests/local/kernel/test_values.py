"""The value of an execution's last expression."""

import base64

import pytest

from dynamic_sessions_local.kernel import Value

from .conftest import Run

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("code", "kind", "data"),
    [
        ("1 + 1", "json", 2),
        ("2 ** 100", "json", 2**100),
        ("1.5", "json", 1.5),
        ("True", "json", True),
        ("'abc'", "json", "abc"),
        ("''", "json", ""),
        ("'\\ud800'", "json", "\\ud800"),
        ("float('nan')", "nan", "nan"),
        ("float('-inf')", "text", "-inf"),
        ("[1, 'two', None]", "text", "[1, 'two', None]"),
        ("{'a': {1, 2}}", "text", "{'a': {1, 2}}"),
        ("list('abcdefghij' * 4)", "text", str(list("abcdefghij" * 4)).replace(", ", ",\n ")),
        ("b'abc'", "text", "b'abc'"),
        ("import http; http.HTTPStatus.OK", "text", "<HTTPStatus.OK: 200>"),
        ("None", "null", ""),
        ("x = 5", "none", ""),
        ("print('said')", "none", ""),
        ("5;", "none", ""),
        ("", "none", ""),
        ("# nothing", "none", ""),
        ("10 ** 5000", "none", ""),
        ("import asyncio\nawait asyncio.sleep(0)\n7", "json", 7),
        ("import numpy; numpy.float64(2.5)", "json", 2.5),
        ("import numpy; numpy.int64(3)", "json", 3),
        ("import numpy; numpy.bool_(True)", "json", True),
        ("import numpy; numpy.str_('s')", "json", "s"),
        ("import numpy; numpy.float64('inf')", "text", "inf"),
        ("import numpy; numpy.array([1, 2])", "text", "array([1, 2])"),
        ("import pandas; pandas.DataFrame({'a': [1, 2]})", "text", "   a\n0  1\n1  2"),
    ],
)
async def test_the_last_expression_becomes_the_value(
    run: Run, code: str, kind: str, data: object
) -> None:
    reply = await run(code)
    assert reply.status == "succeeded"
    assert (reply.value.kind, reply.value.data) == (kind, data)
    assert type(reply.value.data) is type(data)


@pytest.mark.parametrize(
    "code",
    [
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n'text'",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.savefig('f.png')\nprint('saved')",
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        "import matplotlib\nmatplotlib.use('agg')\nfrom matplotlib import pyplot\npyplot.plot([1])",
        "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()\nplt.close()\nfigure",
        "from matplotlib.figure import Figure\nf = Figure()\nf.subplots().plot([1, 2])\nf",
        "from PIL import Image\nImage.new('RGB', (3, 3))",
        "from PIL import Image\ndisplay(Image.new('RGB', (3, 3)))\n5",
        "import pandas\npandas.Series([1, 2]).plot()",
    ],
)
async def test_a_picture_is_the_value_even_in_a_session_that_never_saw_matplotlib(
    run: Run, code: str
) -> None:
    reply = await run(code)
    assert reply.status == "succeeded", reply.stderr
    assert reply.stderr == ""
    assert reply.value.kind == "image"
    assert reply.value.image_format == "png"
    assert base64.b64decode(str(reply.value.data)).startswith(PNG)


async def test_the_last_of_several_figures_counts(run: Run) -> None:
    draw = "import matplotlib.pyplot as plt\nplt.figure(figsize=({size}, 1))\nplt.plot([1, 2])\n"
    small = await run(draw.format(size=1))
    large = await run(draw.format(size=8))
    both = await run(draw.format(size=8) + "plt.show()\n" + draw.format(size=1))
    assert both.value == small.value
    assert both.value != large.value


async def test_a_figure_belongs_to_one_execution(run: Run) -> None:
    await run("import matplotlib.pyplot as plt\nplt.plot([1, 2])")
    assert (await run("6 * 7")).value == Value(kind="json", data=42)


async def test_a_figure_that_was_drawn_before_the_code_failed_is_still_there(run: Run) -> None:
    reply = await run("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n1 / 0")
    assert reply.status == "failed"
    assert reply.value.kind == "image"


async def test_an_object_without_a_picture_is_displayed_as_text(run: Run) -> None:
    reply = await run("display({'a': 1})\n5")
    assert reply.stdout == "{'a': 1}\n"
    assert reply.value == Value(kind="json", data=5)


async def test_a_value_that_cannot_be_shown_says_why(run: Run) -> None:
    reply = await run("class Shy:\n    def __repr__(self): raise RuntimeError('no')\nShy()")
    assert reply.status == "succeeded"
    assert reply.value.kind == "none"
    assert reply.stderr.endswith("RuntimeError: no")


async def test_a_value_over_the_limit_of_a_reply_is_cut_and_says_so(run: Run) -> None:
    reply = await run("'x' * (17 << 20)")
    assert reply.truncated
    assert set(str(reply.value.data)) == {"x"}
