"""The files of an agent's state, and those of its session: which of them go which way."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NotRequired, TypeAlias, TypedDict, TypeVar, cast

from langchain.agents.middleware.types import AgentState, PrivateStateAttr
from langchain_core.messages import ToolMessage
from langgraph.types import Command

from dynamic_sessions import Execution, SessionFile
from dynamic_sessions.files import session_name
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
    """Of the state's content when it last was the session's; empty where it never was."""


def merged(old: Mapping[str, T] | None, new: Mapping[str, T] | None) -> dict[str, T]:
    """Return the entries of two states, the newer ones in place of those of the same name."""
    return {**(old or {}), **(new or {})}


class SessionFilesState(AgentState):
    """State of an agent with files."""

    session_files: NotRequired[Annotated[dict[str, FileContent], merged]]
    """Names below /mnt/data, and contents: what the session is to have, and what runs made."""

    session_file_versions: NotRequired[Annotated[dict[str, FileVersion], PrivateStateAttr, merged]]


def files_to_upload(state: Mapping[str, object]) -> dict[str, bytes]:
    """Return the files of a state that its session does not have as they are."""
    files = cast("Mapping[str, FileContent]", state.get("session_files") or {})
    versions = _versions_in(state)
    contents = {
        name: content.encode() if isinstance(content, str) else content
        for name, content in files.items()
    }
    return {
        name: content
        for name, content in contents.items()
        if name not in versions or versions[name]["digest"] != _digest(content)
    }


def uploaded(file: SessionFile, content: bytes) -> FileVersion:
    """Return what the state keeps of a file that was put into the session."""
    return _version(file, _digest(content))


class FilesMade:
    """The files that come out of the session after a run, and what the state learns of them.

    Args:
        state: The agent's state before the run.
    """

    def __init__(self, state: Mapping[str, object]) -> None:
        self._known = dict(_versions_in(state))
        self._files: dict[str, FileContent] = {}
        self._versions: dict[str, FileVersion] = {}
        self._names: list[str] = []

    def note_run(self, execution: object) -> None:
        """Note how the run ended: what was known of a session that is gone holds no longer."""
        if isinstance(execution, Execution) and execution.session_recycled:
            gone = {name: FileVersion(size=-1, modified_at="", digest="") for name in self._known}
            self._known, self._versions = {}, gone

    def changed(self, listing: Sequence[SessionFile]) -> list[SessionFile]:
        """Return the files to fetch among those that the run made or changed.

        The others, too large or too many, stay in the session.
        """
        changed = [
            file
            for file in sorted(listing, key=lambda file: file.name)
            if file.type == "file"
            and not _is_hidden(file.name)
            and not _is_known(file, self._known)
        ]
        self._names = [file.name for file in changed]
        fetched = [file for file in changed if _can_be_fetched(file)][:MAX_COLLECTED_FILES]
        for file in changed:
            if file not in fetched:
                self.note_left(file)
        return fetched

    def note_fetched(self, file: SessionFile, content: bytes) -> None:
        """Note the content of a file that the run made or changed."""
        self._files[file.name] = content
        self._versions[file.name] = _version(file, _digest(content))

    def note_left(self, file: SessionFile) -> None:
        """Note that a file that the run made or changed stays in the session alone.

        What the state has under its name is not put over it, until the program replaces that.
        """
        known = self._known.get(file.name)
        self._versions[file.name] = _version(file, known["digest"] if known else "")

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


def _versions_in(state: Mapping[str, object]) -> Mapping[str, FileVersion]:
    return cast("Mapping[str, FileVersion]", state.get("session_file_versions") or {})


def _version(file: SessionFile, digest: str) -> FileVersion:
    modified_at = file.modified_at.isoformat() if file.modified_at else ""
    return FileVersion(size=file.size, modified_at=modified_at, digest=digest)


def _can_be_fetched(file: SessionFile) -> bool:
    try:
        session_name(file.name)
    except ValueError:
        # Code in the session named it: with a line break, say.
        return False
    return file.size <= MAX_COLLECTED_BYTES


def _is_known(file: SessionFile, versions: Mapping[str, FileVersion]) -> bool:
    known = versions.get(file.name)
    return known is not None and known == _version(file, known["digest"])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
