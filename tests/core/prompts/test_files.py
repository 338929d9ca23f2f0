import pytest

from dynamic_sessions import SessionFile
from dynamic_sessions.prompts import image_in, render_file, render_files


def test_files_are_listed_one_a_line_with_their_sizes() -> None:
    files = [
        SessionFile(name="sales.csv", size=1234),
        SessionFile(name="charts", size=0, type="directory"),
    ]

    assert render_files(files) == "sales.csv (1,234 bytes)\ncharts/"
    assert render_files([]) == "There are no files."


def test_a_long_list_loses_its_middle_and_says_so() -> None:
    files = [SessionFile(name=f"part-{number}.csv", size=number) for number in range(10_000)]

    text = render_files(files, limit=1000)

    assert len(text) <= 1000
    assert text.startswith("part-0.csv (0 bytes)\n")
    assert text.endswith("part-9999.csv (9,999 bytes)")
    assert "characters left out" in text
    assert render_files(files, limit=None).count("\n") == 9_999


def test_a_name_cannot_pose_as_another_file() -> None:
    text = render_files([SessionFile(name="a\nsecret.txt (1 bytes)", size=2)])

    assert text == "a\\nsecret.txt (1 bytes) (2 bytes)"


def test_a_text_is_shown_as_it_is() -> None:
    assert render_file("a.txt", "größer\n".encode()) == "größer\n"
    assert render_file("a.txt", b"\xef\xbb\xbfwith a mark") == "with a mark"


def test_a_long_text_loses_its_middle_and_says_so() -> None:
    content = b"first\n" + b"x" * 50_000 + b"\nlast"

    text = render_file("a.txt", content, limit=1000)

    assert len(text) <= 1000
    assert text.startswith("first")
    assert text.endswith("last")
    assert "characters left out" in text
    assert render_file("a.txt", content, limit=None) == content.decode()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a\x00b"])
def test_what_is_no_text_is_only_described(content: bytes) -> None:
    assert "is not a text file (3 bytes)" in render_file("a\n.bin", content)
    assert "\n" not in render_file("a\n.bin", content)


def test_an_empty_file_says_so() -> None:
    assert render_file("a.txt", b"") == "a.txt is empty."


def test_a_limit_without_room_for_notes_is_refused() -> None:
    with pytest.raises(ValueError, match="200"):
        render_file("a.txt", b"a", limit=10)
    with pytest.raises(ValueError, match="200"):
        render_files([SessionFile(name="a.txt", size=1)], limit=10)


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a...", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_pictures_are_known_by_their_content(content: bytes, mime_type: str) -> None:
    image = image_in(content)

    assert image is not None
    assert (image.mime_type, image.data) == (mime_type, content)


@pytest.mark.parametrize("content", [b"", b"\x89PNG", b"RIFF....WAVE", b"<svg/>"])
def test_other_content_is_no_picture(content: bytes) -> None:
    assert image_in(content) is None


@pytest.mark.parametrize(("width", "height"), [(8001, 1), (1, 8001), (8000, 8000)])
def test_a_picture_that_models_refuse_for_its_size_is_none(width: int, height: int) -> None:
    size = width.to_bytes(4) + height.to_bytes(4)
    content = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x0dIHDR" + size
    assert (image_in(content) is None) == (max(width, height) > 8000)
