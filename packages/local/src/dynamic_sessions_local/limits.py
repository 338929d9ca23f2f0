"""What one session may use, as data."""

from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The bounds of one session; every one of them is enforced from outside its code.

    Attributes:
        memory_bytes: Address space of each process.
        session_memory_bytes: Memory of all processes of the session together, pages that several
            share counted once. Looked at from time to time, so that a session may be over it for
            some tenths of a second before it is ended.
        processes: Processes and threads of the session together.
        open_files: Open descriptors of each process.
        sockets: Sockets of all processes of the session together, those that wait in another one
            included: the buffers of each are memory that no process is charged with.
        file_bytes: The largest single file.
        data_bytes: What fits in /mnt/data.
        temporary_bytes: What fits in /tmp, and again in /dev/shm.
        data_entries: Files and folders in /mnt/data, and again in /tmp and in /dev/shm.
        output_characters: What is kept of stdout, and again of stderr, of one execution.
        execution_seconds: The longest run of one execution.
        interrupt_grace: Seconds between asking code to stop and killing its session.
        upload_bytes: The largest upload.
        queued_executions: Executions of the session that may wait or run at a time.
        remembered_executions: Of how many that have ended one can still ask what came of them.
        remembered_characters: What these may hold together, the latest one aside.
    """

    memory_bytes: int = 4 * GIB
    session_memory_bytes: int = 4 * GIB
    processes: int = 128
    open_files: int = 512
    sockets: int = 256
    file_bytes: int = 512 * MIB
    data_bytes: int = 256 * MIB
    temporary_bytes: int = 64 * MIB
    data_entries: int = 20_000
    output_characters: int = 1_000_000
    execution_seconds: float = 220
    interrupt_grace: float = 2
    upload_bytes: int = 128 * MIB
    queued_executions: int = 100
    remembered_executions: int = 100
    remembered_characters: int = 4_000_000
