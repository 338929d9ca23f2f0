"""The system call filters that sessions run under, one for each processor architecture.

They are programs for the kernel and were made ahead of time by scripts/make_seccomp_filters.py, which
holds the lists and the reasons: nothing has to be installed, or can go wrong, when a pool starts.
"""

from pathlib import Path

FOLDER = Path(__file__).with_name("filters")
# As os.uname() names them.
MACHINES = frozenset({"x86_64", "aarch64"})


def load_filter(machine: str) -> bytes:
    """Return the filter for a machine as os.uname() names it, as an array of struct sock_filter.

    Raises:
        ValueError: There is none for this machine.
    """
    if machine not in MACHINES:
        raise ValueError(f"There is no system call filter for {machine!r}.")
    return (FOLDER / f"{machine}.bpf").read_bytes()
