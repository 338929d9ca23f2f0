"""The files of an agent's state, and those of its session: which of them go which way."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NotRequired, TypeAlias, TypedDict, TypeVar, cast

from langchain.agents.middleware.types import AgentState, PrivateStateAttr
from langchain_core.messages import ToolMessage
from langgraph.types import Command

from dynamic_sessions import Execution, SessionFile
from langchain_dynamic_sessions.results import with_file_names

MAX_COLLECTED_FILES = 20
MAX_COLLECTED_BYTES = 8 * 1024 * 1024

T = TypeVar("T")

FileContent: TypeAlias = bytes | str


class FileVersion(TypedDict):
    """A file as the session has it."""

    size: int
    modified_at: str
    digest: str
    """Of the content that the state has; empty where it has none."""


def merged(old: Mapping[str, T] | None, new: Mapping[str, T] | None) -> dict[str, T]:
    """Return the entries of two states, the newer ones in place of those of the same name."""
    return {**(old or {}), **(new or {})}


class SessionFilesState(AgentState):
    """State of an agent with files."""

    session_files: NotRequired[Annotated[dict[str, FileContent], merged]]
    """Names below /mnt/data, and contents: what the session is to have, and what runs made."""

    session_file_versions: NotRequired[Annotated[dict[str, FileVersion], PrivateStateAttr, merged]]


class FileExchange:
    """The files that go in before a run and come out after it, and what the state learns of them.

    Args:
        state: The agent's state before the run.
    """

    def __init__(self, state: Mapping[str, object]) -> None:
        files = cast("Mapping[str, FileContent]", state.get("session_files") or {})
        versions = cast("Mapping[str, FileVersion]", state.get("session_file_versions") or {})
        self._known = dict(versions)
        self._files: dict[str, FileContent] = {}
        self._versions: dict[str, FileVersion] = {}
        self._names: list[str] = []
        self.uploads = _to_upload(files, versions)
        """Files of the state that the session does not have as they are."""

    def note_uploaded(self, file: SessionFile, content: bytes) -> None:
        """Note that the session has a file of the state."""
        self._versions[file.name] = _version(file, content)

    def note_run(self, execution: object) -> None:
        """Note how the run ended: what was known of a session that is gone holds no longer."""
        if isinstance(execution, Execution) and execution.session_recycled:
            gone = {name: FileVersion(size=-1, modified_at="", digest="") for name in self._known}
            self._known, self._versions = {}, {**gone, **self._versions}

    def changed(self, listing: Sequence[SessionFile]) -> list[SessionFile]:
        """Return the files to fetch among those that the run made or changed.

        The others, too large or too many, stay in the session.
        """
        known = {**self._known, **self._versions}
        changed = [
            file
            for file in sorted(listing, key=lambda file: file.name)
            if file.type == "file" and not _is_hidden(file.name) and not _is_known(file, known)
        ]
        self._names = [file.name for file in changed]
        self._versions |= {file.name: _version(file, None) for file in changed}
        return [file for file in changed if file.size <= MAX_COLLECTED_BYTES][:MAX_COLLECTED_FILES]

    def note_fetched(self, file: SessionFile, content: bytes) -> None:
        """Note the content of a file that the run made or changed."""
        self._files[file.name] = content
        self._versions[file.name] = _version(file, content)

    def result(self, message: ToolMessage) -> ToolMessage | Command[Any]:
        """Return the run's message, with the names of the files and the state's update."""
        message.content = with_file_names(message.content, self._names)
        if not self._versions:
            return message
        return Command(
            update={
                "messages": [message],
                "session_files": self._files,
                "session_file_versions": self._versions,
            }
        )


def _to_upload(
    files: Mapping[str, FileContent], versions: Mapping[str, FileVersion]
) -> dict[str, bytes]:
    contents = {
        name: content.encode() if isinstance(content, str) else content
        for name, content in files.items()
    }
    return {
        name: content
        for name, content in contents.items()
        if name not in versions or versions[name]["digest"] != _digest(content)
    }


def _version(file: SessionFile, content: bytes | None) -> FileVersion:
    modified_at = file.modified_at.isoformat() if file.modified_at else ""
    digest = "" if content is None else _digest(content)
    return FileVersion(size=file.size, modified_at=modified_at, digest=digest)


def _is_known(file: SessionFile, versions: Mapping[str, FileVersion]) -> bool:
    known = versions.get(file.name)
    return known is not None and known == {**_version(file, None), "digest": known["digest"]}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
