"""Files over HTTP, in both dialects, in real sessions that are not to be trusted."""

import json
import socket
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from dynamic_sessions_local import LocalSessionPool

from .waiting import until

MIB = 1 << 20
CAPTURED = "2024-10-02-preview"
LEGACY = "2024-02-02-preview"
SMALL = {"identifier": "small-session"}


@pytest.fixture
def small(small_client: httpx.Client) -> Iterator[httpx.Client]:
    small_client.params = small_client.params.merge(SMALL)
    yield small_client
    small_client.delete("session")


def run(session: httpx.Client, code: str) -> object:
    body = session.post("executions", json={"code": code}).json()
    assert body["status"] == "Succeeded", body["result"]["stderr"]
    return body["result"]["executionResult"]


def upload(session: httpx.Client, name: str, content: bytes, **params: str) -> httpx.Response:
    return session.post("files", files={"file": (name, content)}, params=params)


def names(session: httpx.Client, **params: str) -> list[str]:
    return [entry["name"] for entry in session.get("files", params=params).json()["value"]]


def test_the_recorded_calls_get_answers_of_the_recorded_shape(
    session: httpx.Client, published: Path
) -> None:
    capture = json.loads(
        (published / "captures" / "cli_recording_2024-10-02-preview.json").read_text()
    )
    recorded = {exchange["name"]: exchange["response"] for exchange in capture["exchanges"]}
    params = {"path": "/", "api-version": CAPTURED}

    def check(name: str, response: httpx.Response) -> Any:
        assert response.status_code == recorded[name]["status"]
        headers = recorded[name]["headers"]
        assert response.headers.get("content-type") == headers.get("content-type")
        return response.json() if response.content[:1] == b"{" else None

    uploaded = check("upload file", upload(session, "cert.txt", b"testing", **params))
    expected = json.loads(recorded["upload file"]["body"])
    assert list(uploaded) == list(expected)
    listed = check("list files", session.get("files", params=params))
    expected = json.loads(recorded["list files"]["body"])
    (entry,) = listed["value"]
    assert list(entry) == list(expected["value"][0])
    moment = {"lastModifiedAt": expected["value"][0]["lastModifiedAt"]}
    assert {**listed, "value": [entry | moment]} == expected
    content = session.get("files/cert.txt/content", params=params)
    check("file content", content)
    assert content.text == recorded["file content"]["body"]
    assert content.headers["content-length"] == "7"
    assert "content-disposition" not in content.headers
    deleted = session.delete("files/cert.txt", params=params)
    check("delete file", deleted)
    assert deleted.content == b""
    assert names(session) == []


def test_the_legacy_calls(session: httpx.Client) -> None:
    params = {"api-version": LEGACY}
    upload(session, "already-there.txt", b"")
    uploaded = session.post(
        "files/upload", files={"file": ("/mnt/data/a b.txt", b"sixteen bytes!!!")}, params=params
    ).json()
    entry = uploaded["value"][0]["properties"]
    assert uploaded == {
        "$id": "1",
        "value": [
            {
                "$id": "2",
                "properties": {
                    "$id": "3",
                    "filename": "a b.txt",
                    "size": 16,
                    "lastModifiedTime": entry["lastModifiedTime"],
                },
            }
        ],
    }
    listed = session.get("files", params=params).json()["value"]
    assert [each["properties"]["filename"] for each in listed] == ["a b.txt", "already-there.txt"]
    assert session.get("files/a%20b.txt", params=params).json() == uploaded
    content = session.get("files/content/a%20b.txt", params=params)
    assert content.content == b"sixteen bytes!!!"
    deleted = session.delete("files/a%20b.txt", params=params)
    assert (deleted.status_code, deleted.json()) == (
        200,
        {"message": "file deleted successfully"},
    )
    assert session.get("files/content/a%20b.txt", params=params).status_code == 404


def test_a_legacy_upload_takes_several_files_and_answers_just_those(session: httpx.Client) -> None:
    files = [("file", (f"{number}.txt", b"x")) for number in range(4)]
    body = session.post("files/upload", files=files, params={"api-version": LEGACY}).json()
    uploaded = [entry["properties"]["filename"] for entry in body["value"]]
    assert uploaded == names(session) == ["0.txt", "1.txt", "2.txt", "3.txt"]


def test_a_flat_upload_of_several_files_is_refused_whole(session: httpx.Client) -> None:
    files = [("file", (f"{number}.txt", b"x")) for number in range(2)]
    assert session.post("files", files=files).status_code == 400
    assert names(session) == []


@pytest.mark.parametrize("path", ["reports/may", "/reports/may/", "/mnt/data/reports/may"])
def test_directories_are_made_on_upload_and_listed_one_level_at_a_time(
    session: httpx.Client, path: str
) -> None:
    assert upload(session, "a.csv", b"1,2", path=path).json()["name"] == "a.csv"
    (entry,) = session.get("files").json()["value"]
    assert (entry["name"], entry["type"]) == ("reports", "directory")
    assert names(session, path="reports") == ["may"]
    assert names(session, path=path) == ["a.csv"]
    assert session.get("files/a.csv", params={"path": path}).json()["sizeInBytes"] == 3
    assert session.get("files/a.csv/content", params={"path": path}).text == "1,2"
    assert session.get("files/reports%2Fmay%2Fa.csv/content").text == "1,2"
    assert session.get("files/reports/may/a.csv/content").text == "1,2"
    assert run(session, "open('/mnt/data/reports/may/a.csv').read()") == "1,2"


def test_code_and_calls_see_the_same_files(session: httpx.Client) -> None:
    run(session, "open('/mnt/data/made.bin', 'wb').write(bytes(range(256)) * 8192)")
    assert session.get("files/made.bin/content").content == bytes(range(256)) * 8192
    upload(session, "given.txt", b"given")
    code = "f = open('/mnt/data/given.txt', 'r+'); (f.read(), f.write('!'), f.close())[:2]"
    assert run(session, code) == "('given', 1)"
    assert session.get("files/given.txt/content").text == "given!"


@pytest.mark.parametrize(
    "name", ["é 日本.txt", "100% #1?.txt", 'say "hi".txt', "%2e%2e.txt", "a&b=c;+.txt", "-rf", "~"]
)
def test_a_name_is_what_it_is(session: httpx.Client, name: str) -> None:
    quoted = name.replace('"', '\\"').encode()
    body = (
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="' + quoted + b'"\r\n\r\n'
        b"content\r\n--xyz--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=xyz"}
    assert session.post("files", content=body, headers=headers).json()["name"] == name
    assert names(session) == [name]
    encoded = "".join(f"%{byte:02X}" for byte in name.encode())
    assert session.get(f"files/{encoded}/content").text == "content"
    assert session.delete(f"files/{encoded}").status_code == 204


@pytest.mark.parametrize(
    "name",
    ["%2e%2e", "%2E%2E%2Fetc%2Fpasswd", "a%2F..%2Fb", "%2Fetc%2Fpasswd", "a%00b", "%FF", "x" * 256],
)
def test_a_name_that_leads_elsewhere_is_refused(session: httpx.Client, name: str) -> None:
    for response in (
        session.get(f"files/{name}/content"),
        session.get(f"files/content/{name}", params={"api-version": LEGACY}),
        session.get(f"files/{name}"),
        session.delete(f"files/{name}"),
    ):
        assert response.status_code == 400
        assert response.json()["error"]["code"] == "SessionRequestValidationFailed"


def test_a_name_is_decoded_once(session: httpx.Client) -> None:
    assert session.get("files/%252e%252e/content").status_code == 404


@pytest.mark.parametrize("path", ["..", "a/../b", "/mnt/data/..", "a\0b", "x" * 256])
def test_a_path_that_leads_elsewhere_is_refused(session: httpx.Client, path: str) -> None:
    assert upload(session, "a.txt", b"x", path=path).status_code == 400
    assert session.get("files", params={"path": path}).status_code == 400


@pytest.mark.parametrize("name", ["..", "a/..", "x" * 256])
def test_an_upload_under_an_impossible_name_is_refused(session: httpx.Client, name: str) -> None:
    assert upload(session, name, b"x").status_code == 400
    assert names(session) == []


def test_only_the_base_name_of_an_upload_counts(session: httpx.Client) -> None:
    upload(session, "../../../../../etc/evil.txt", b"x")
    assert names(session) == ["evil.txt"]


def test_what_is_missing_is_404(session: httpx.Client) -> None:
    for response in (
        session.get("files/missing.txt"),
        session.get("files/missing.txt/content"),
        session.delete("files/missing.txt"),
        session.get("files", params={"path": "missing"}),
    ):
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "SessionFileNotFound"


def test_planted_links_pipes_and_sockets_lead_nowhere(session: httpx.Client) -> None:
    run(
        session,
        """
import os, socket
os.chdir('/mnt/data')
os.symlink('/etc/passwd', 'link')
os.symlink('/proc/self/environ', 'environ')
os.symlink('/', 'root')
os.mkfifo('pipe')
socket.socket(socket.AF_UNIX).bind('socket')
os.utime(os.open('strange-time', os.O_CREAT), (-1e10, 1e13))
open('latin-\\udcff', 'w').close()
""",
    )
    for name in ("link", "environ", "pipe", "socket", "root/etc/passwd", "root%2Fetc%2Fpasswd"):
        assert session.get(f"files/{name}/content").status_code == 404
        assert session.get(f"files/{name}").status_code == 404
        assert session.delete(f"files/{name}").status_code == 404
    assert session.get("files", params={"path": "root/etc"}).status_code == 404
    assert upload(session, "x", b"", path="root/tmp").status_code == 409
    assert upload(session, "link", b"over the link").status_code == 200
    assert session.get("files/link/content").text == "over the link"
    assert names(session) == ["latin-\N{REPLACEMENT CHARACTER}", "link", "strange-time"]


SAME_TO_THE_EYE = [unicodedata.normalize(form, "Ångström é.txt") for form in ("NFC", "NFD")]
STRANGE_NAMES = [
    "two\nlines.txt", "\r\nheader: value", "\t \x01\x1b[31m", " ", "...", "a\\b", "..\\..\\etc",
    ".hidden", "n" * 255, "é" * 127, "日" * 85, "\u202egnp.exe", "name;type=a", '"quoted"', "$(id)", "*",
]  # fmt: skip


def encoded(name: str) -> str:
    return "".join(f"%{byte:02X}" for byte in name.encode())


def test_names_that_look_the_same_are_two_files(session: httpx.Client) -> None:
    for number, name in enumerate(SAME_TO_THE_EYE):
        assert upload(session, name, b"%d" % number).json()["name"] == name
    assert sorted(names(session)) == sorted(SAME_TO_THE_EYE)
    for number, name in enumerate(SAME_TO_THE_EYE):
        assert session.get(f"files/{encoded(name)}/content").content == b"%d" % number
    found = run(session, "import os; ' '.join(n.encode().hex() for n in os.listdir('/mnt/data'))")
    assert set(str(found).split()) == {name.encode().hex() for name in SAME_TO_THE_EYE}


def test_names_that_code_gives_come_back_byte_for_byte(session: httpx.Client) -> None:
    run(session, f"for name in {STRANGE_NAMES!r}: open('/mnt/data/' + name, 'w').write(name);")
    assert sorted(names(session)) == sorted(STRANGE_NAMES)
    for name in STRANGE_NAMES:
        assert session.get(f"files/{encoded(name)}").json()["name"] == name
        content = session.get(f"files/{encoded(name)}/content")
        assert (content.status_code, content.content) == (200, name.encode())
        assert session.delete(f"files/{encoded(name)}").status_code == 204
    assert names(session) == []


@pytest.mark.parametrize(
    "name",
    ["%2e", "%2E%2e%2F", "%C0%AE%C0%AE", "%c0%ae%c0%ae%c0%af", "%ED%A0%80", "x%00", "%2F%2F"],
)
def test_a_name_in_disguise_is_refused(session: httpx.Client, name: str) -> None:
    for response in (session.get(f"files/{name}/content"), session.delete(f"files/{name}")):
        assert response.status_code == 400


def test_what_is_planted_below_a_folder_leads_nowhere_either(session: httpx.Client) -> None:
    run(
        session,
        """
import os, socket
os.makedirs('/mnt/data/a/b'); os.chdir('/mnt/data/a')
os.symlink('/dev/zero', 'zero'); os.symlink('/dev/stdin', 'input'); os.symlink('.', 'itself')
os.symlink('/mnt/data/a/file', 'absolute'); os.symlink('../../../proc/self/root', 'up')
os.mkfifo('pipe'); os.link('pipe', 'b/pipe'); os.mkdir('closed', 0)
socket.socket(socket.AF_UNIX).bind('socket'); os.link('socket', 'b/socket')
open('file', 'w').write('own'); os.link('file', 'b/hard')
""",
    )
    for name in (
        "zero",
        "input",
        "itself",
        "absolute",
        "pipe",
        "b/pipe",
        "socket",
        "b/socket",
        "b",
    ):
        assert session.get(f"files/a/{name}/content").status_code == 404, name
    for path in ("a/itself", "a/up", "a/up/etc", "a/zero", "a/file"):
        assert session.get("files", params={"path": path}).status_code == 404, path
        assert upload(session, "x", b"", path=path).status_code in {404, 409}, path
    assert session.get("files/a/b/hard/content").text == "own"
    assert session.get("files", params={"path": "a/closed"}).status_code in {200, 404}
    assert names(session, path="a") == ["b", "closed", "file"]


def test_what_is_swapped_while_it_is_asked_for_leads_nowhere(session: httpx.Client) -> None:
    run(
        session,
        """
import ctypes, os, threading
exchange = ctypes.CDLL(None).renameat2
os.chdir('/mnt/data'); os.mkdir('folder'); os.symlink('/etc', 'elsewhere')
open('folder/passwd', 'w').write('own'); open('own', 'w').write('own')
os.mkfifo('pipe'); os.symlink('/etc/passwd', 'link')
def swap():
    while True:
        for name in ('own', 'link', 'pipe'):
            os.link(name, 'passing', follow_symlinks=False); os.rename('passing', 'swapped')
        exchange(-100, b'folder', -100, b'elsewhere', 2)
threading.Thread(target=swap, daemon=True).start()
""",
    )
    statuses: set[int] = set()
    for _ in range(300):
        for name in ("swapped", "folder/passwd"):
            response = session.get(f"files/{name}/content")
            assert (response.status_code, response.text) == (200, "own") or (
                response.status_code == 404
            )
            statuses.add(response.status_code)
        assert upload(session, "made", b"", path="folder").status_code in {200, 404, 409}
    assert 200 in statuses


def test_a_file_that_changes_under_a_download_does_not_break_the_server(
    session: httpx.Client,
) -> None:
    run(
        session,
        """
import os, threading
def change():
    file = os.open('/mnt/data/changing', os.O_CREAT | os.O_RDWR)
    while True:
        for size in (16 << 20, 0, 8 << 20, 1):
            os.truncate(file, size)
threading.Thread(target=change, daemon=True).start()
""",
    )
    complete = 0
    for _ in range(60):
        try:
            response = session.get("files/changing/content")
        except httpx.RemoteProtocolError:
            continue  # it became shorter than had been promised: no other way is left to say so
        complete += 1
        assert int(response.headers["content-length"]) == len(response.content)
    assert complete > 0
    assert run(session, "'alive'") == "alive"


def test_an_upload_beyond_the_limit_is_refused_and_leaves_nothing(small: httpx.Client) -> None:
    assert upload(small, "fits.bin", b"x" * (3 * MIB)).status_code == 200
    assert small.delete("files/fits.bin").status_code == 204
    announced = upload(small, "big.bin", b"x" * (3 * MIB + 1))
    far_beyond = upload(small, "huge.bin", b"x" * (20 * MIB))

    def chunks() -> Iterator[bytes]:
        yield b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="big"\r\n\r\n'
        yield from (b"x" * MIB for _ in range(8))
        yield b"\r\n--xyz--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=xyz"}
    unannounced = small.post("files", content=chunks(), headers=headers)
    for response in (announced, far_beyond, unannounced):
        assert response.status_code == 413
        assert response.json()["error"]["code"] == "RequestTooLarge"
    assert run(small, "import os; os.listdir('/mnt/data')") == "[]"


def test_an_upload_beyond_the_quota_is_refused_and_leaves_nothing(small: httpx.Client) -> None:
    assert upload(small, "first.bin", b"x" * (3 * MIB)).status_code == 200
    refused = upload(small, "second.bin", b"x" * (2 * MIB))
    assert refused.status_code == 413
    assert refused.json()["error"]["code"] == "SessionStorageFull"
    assert run(small, "import os; os.listdir('/mnt/data')") == "['first.bin']"
    assert upload(small, "third.bin", b"x" * (MIB // 2)).status_code == 200


def test_files_of_one_upload_that_do_not_fit_together_leave_nothing(small: httpx.Client) -> None:
    assert upload(small, "first.bin", b"x" * (3 * MIB)).status_code == 200
    files = [("file", (f"{number}.bin", b"x" * (MIB * 3 // 4))) for number in range(2)]
    refused = small.post("files/upload", files=files, params={"api-version": LEGACY})
    assert refused.status_code == 413
    assert refused.json()["error"]["code"] == "SessionStorageFull"
    assert run(small, "import os; os.listdir('/mnt/data')") == "['first.bin']"


def test_an_upload_that_breaks_off_leaves_nothing(
    pool: LocalSessionPool, session: httpx.Client, identifier: str
) -> None:
    address = urlsplit(pool.endpoint)
    head = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="half.bin"\r\n\r\n'
    count = "import os; len(os.listdir('/mnt/data'))"
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(
            f"POST /files?api-version=2025-10-02-preview&identifier={identifier} HTTP/1.1\r\n"
            f"host: localhost\r\nauthorization: {session.headers['authorization']}\r\n"
            "content-type: multipart/form-data; boundary=xyz\r\ncontent-length: 5000000\r\n\r\n"
            "".encode()
            + head
            + b"x" * MIB
        )
        until(lambda: run(session, count) == 1)
        assert names(session) == []
    until(lambda: run(session, count) == 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form",
        b"--xyz\r\n",
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nunfinished',
        b'--xyz\r\nContent-Disposition: form-data; name="field"\r\n\r\nno file\r\n--xyz--\r\n',
        b'--xyz\r\nContent-Disposition: form-data; filename=""\r\n\r\nno name\r\n--xyz--\r\n',
    ],
)
@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=xyz", "application/json"])
def test_a_body_that_is_no_upload_is_refused(
    session: httpx.Client, body: bytes, content_type: str
) -> None:
    response = session.post("files", content=body, headers={"content-type": content_type})
    assert response.status_code == 400
    assert names(session) == []


def test_an_upload_that_is_labelled_as_json_is_recognised(session: httpx.Client) -> None:
    body = (
        b'--5f3a\r\nContent-Disposition: form-data; name="file"; filename="/mnt/data/a.txt"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\nhello\r\n--5f3a--\r\n"
    )
    headers = {"content-type": "application/json"}
    assert session.post("files", content=body, headers=headers).status_code == 200
    assert session.get("files/a.txt/content").text == "hello"


def test_an_empty_file_and_a_large_one_come_back_whole(session: httpx.Client) -> None:
    large = bytes(range(256)) * (20 * MIB // 256)
    for name, content in (("empty", b""), ("large", large)):
        assert upload(session, name, content).json()["sizeInBytes"] == len(content)
        assert session.get(f"files/{name}/content").content == content
