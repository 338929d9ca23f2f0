"""Shell pools: commands in, exit codes out, on real sandboxes."""

import time

import httpx
import pytest

MIDDLE = "2025-02-02-preview"


def run(shell: httpx.Client, **members: object) -> httpx.Response:
    return shell.post("executions", json=members)


def test_a_command_is_answered_as_the_service_does(shell: httpx.Client) -> None:
    response = run(shell, shellCommand="echo Hello world!")
    body = response.json()
    assert response.status_code == 200
    assert list(body) == ["id", "identifier", "status", "result"]
    assert (body["status"], body["identifier"]) == ("0", shell.params["identifier"])
    assert list(body["result"]) == ["stdout", "stderr", "executionTimeInMilliseconds"]
    assert (body["result"]["stdout"], body["result"]["stderr"]) == ("Hello world!\n", "")


@pytest.mark.parametrize(
    ("members", "status", "stdout", "stderr"),
    [
        ({"shellCommand": "exit 3"}, "3", "", ""),
        ({"shellCommand": "pwd"}, "0", "/mnt/data\n", ""),
        ({"shellCommand": "echo out; echo err >&2; false"}, "1", "out\n", "err\n"),
        ({"shellCommand": "x='a b'; [[ $x == a* ]] && echo ${x^^}"}, "0", "A B\n", ""),
        ({"shellCommand": "kill -9 $$"}, "137", "", ""),
        ({"shellCommand": "kill -TERM $$"}, "143", "", ""),
        ({"shellCommand": "read LINE; echo got:$LINE", "stdin": "a line"}, "0", "got:a line\n", ""),
        ({"shellCommand": "cat; echo end"}, "0", "end\n", ""),
        ({"execCommandAndArgs": ["echo", "$HOME", "a b"]}, "0", "$HOME a b\n", ""),
        ({"execCommandAndArgs": ["cat"], "stdin": "ä\n"}, "0", "ä\n", ""),
        ({"execCommandAndArgs": ["no-such-program"]}, "127", "", "no-such-program: No such file or directory\n"),
        ({"execCommandAndArgs": ["/mnt"]}, "126", "", "/mnt: Permission denied\n"),
        ({"execCommandAndArgs": ["false"]}, "1", "", ""),
    ],
)  # fmt: skip
def test_the_exit_code_is_the_status(
    shell: httpx.Client, members: dict[str, object], status: str, stdout: str, stderr: str
) -> None:
    body = run(shell, **members).json()
    result = body["result"]
    assert (body["status"], result["stdout"], result["stderr"]) == (status, stdout, stderr)


def test_commands_share_files_and_nothing_else(shell: httpx.Client) -> None:
    shell.post("files", files={"file": ("in.txt", b"uploaded\n")})
    run(shell, shellCommand="cp in.txt out.txt; VARIABLE=1; cd /tmp; export OTHER=2")
    body = run(shell, shellCommand="cat out.txt; pwd; echo [$VARIABLE$OTHER]").json()
    assert body["result"]["stdout"] == "uploaded\n/mnt/data\n[]\n"
    assert shell.get("files/out.txt/content").content == b"uploaded\n"


def test_a_command_ends_at_its_time_limit_with_all_that_it_started(shell: httpx.Client) -> None:
    stubborn = "trap '' INT TERM; echo begun; while :; do sleep 0.1; done"
    body = run(shell, shellCommand=f"({stubborn}) & {stubborn}", timeoutInSeconds=1).json()
    assert body["status"] == "124"
    assert body["result"]["stdout"] == "begun\nbegun\n"
    assert body["result"]["stderr"] == "Request timed out waiting for code execution to complete"
    left = run(shell, shellCommand="pgrep -c sleep").json()
    assert left["result"]["stdout"] == "0\n"


def test_a_command_may_leave_something_running(shell: httpx.Client) -> None:
    begun = time.monotonic()
    body = run(shell, shellCommand="sleep 1000 & echo $!").json()
    assert body["status"] == "0"
    assert time.monotonic() - begun < 500
    alive = run(shell, shellCommand=f"kill -0 {body['result']['stdout'].strip()}").json()
    assert alive["status"] == "0"


def test_a_session_that_a_command_destroys_is_reported_and_replaced(shell: httpx.Client) -> None:
    before = run(shell, shellCommand="echo kept > kept.txt").headers["x-ms-session-guid"]
    destroyed = run(shell, shellCommand="kill -9 -1; kill -9 $PPID")
    assert destroyed.json()["status"] == "137"
    assert destroyed.json()["result"]["stderr"] == "Execution aborted"
    after = run(shell, shellCommand="cat kept.txt")
    assert after.json()["result"]["stdout"] == "kept\n"
    assert after.headers["x-ms-session-guid"] != before


def test_commands_are_kept_in_as_code_is(shell: httpx.Client) -> None:
    attack = (
        "cat /etc/shadow; ls /root/.ssh; cat /proc/1/environ; touch /usr/bin/mine; "
        "mount -t tmpfs none /mnt; unshare -r true; ls -d /proc/[0-9]* | wc -l; "
        "exec 3<>/dev/tcp/127.0.0.1/" + str(shell.base_url.port) + "; id -u; env"
    )
    result = run(shell, shellCommand=attack, outputStreamsMaxLength=100_000).json()["result"]
    processes, user, *environment = result["stdout"].splitlines()
    assert int(processes) < 10
    assert user != "0"
    assert all(not line.startswith(("DYNAMIC", "VIRTUAL", "PYTEST")) for line in environment)
    refusals = result["stderr"].splitlines()
    assert sum("No such file" in line or "denied" in line for line in refusals) >= 3
    assert any("Connection refused" in line for line in refusals)
    assert any("Read-only file system" in line for line in refusals)


def test_the_members_of_a_python_pool_are_accepted_beside_the_command(shell: httpx.Client) -> None:
    body = run(
        shell, shellCommand="echo $0", codeInputType="Inline", executionType="Synchronous"
    ).json()
    assert (body["executionType"], body["status"]) == ("Synchronous", "0")


def test_output_is_cut_where_the_request_says_and_else_at_4096(shell: httpx.Client) -> None:
    flood = "head -c 100000 /dev/zero | tr '\\0' x"
    assert len(run(shell, shellCommand=flood).json()["result"]["stdout"]) == 4096
    longer = run(shell, shellCommand=flood, outputStreamsMaxLength=20_000).json()
    assert len(longer["result"]["stdout"]) == 20_000


def test_a_command_can_run_without_its_client(shell: httpx.Client) -> None:
    begun = run(
        shell,
        shellCommand="while ! [ -e go ]; do :; done; echo done",
        executionType="Asynchronous",
    )
    assert begun.status_code == 202
    assert begun.json()["status"] in {"NotStarted", "Running"}
    shell.post("files", files={"file": ("go", b"")})
    # Waits for its turn, that is for the first.
    run(shell, shellCommand="true")
    ended = shell.get(f"executions/{begun.json()['id']}").json()
    assert (ended["status"], ended["result"]["stdout"]) == ("0", "done\n")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, "SessionPropertiesMissing"),
        ({"code": "1"}, "SessionPropertiesMissing"),
        ({"shellCommand": "a", "execCommandAndArgs": ["a"]}, "SessionRequestValidationFailed"),
        ({"shellCommand": 1}, "SessionRequestValidationFailed"),
        ({"shellCommand": "a\0b"}, "SessionRequestValidationFailed"),
        ({"shellCommand": "a", "stdin": 1}, "SessionRequestValidationFailed"),
        ({"execCommandAndArgs": []}, "SessionRequestValidationFailed"),
        ({"execCommandAndArgs": "ls"}, "SessionRequestValidationFailed"),
        ({"execCommandAndArgs": ["ls", 1]}, "SessionRequestValidationFailed"),
    ],
)
def test_a_body_without_one_command_is_refused(
    shell: httpx.Client, members: dict[str, object], code: str
) -> None:
    response = run(shell, **members)
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)


def test_versions_that_know_no_shell_say_so(shell: httpx.Client) -> None:
    for version in ("2024-02-02-preview", "2024-10-02-preview"):
        response = shell.post(
            "executions", json={"shellCommand": "true"}, params={"api-version": version}
        )
        assert response.status_code == 400
        assert "Shell execution is not supported in API version" in response.text
    response = shell.post(
        "executions", json={"shellCommand": "true"}, params={"api-version": MIDDLE}
    )
    assert response.json()["status"] == "0"


def test_pools_of_one_kind_refuse_what_the_other_runs(
    shell: httpx.Client, session: httpx.Client
) -> None:
    legacy = shell.post(
        "code/execute",
        json={"properties": {"code": "1"}},
        params={"api-version": "2024-02-02-preview"},
    )
    assert legacy.json()["error"]["code"] == "SessionRequestNotSupported"
    python = session.post("executions", json={"shellCommand": "true"})
    assert python.json()["error"]["code"] == "SessionPropertiesMissing"
