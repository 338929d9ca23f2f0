"""What to do on a machine where a sandbox does not work."""

from collections.abc import Iterable

INSTALL = (
    "Install bubblewrap, as with `apt install bubblewrap`, `dnf install bubblewrap` or"
    " `pacman -S bubblewrap`."
)
ELSEWHERE = (
    "Run the pool on Linux (WSL 2 or a virtual machine will do), or use the endpoint of a session pool"
    " in Azure."
)
APPARMOR = (
    "AppArmor restricts user namespaces here, as on Ubuntu since 23.10. Install the system's"
    " bubblewrap and a profile that lets /usr/bin/bwrap use them (such as bwrap-userns-restrict"
    " of the package apparmor-profiles), or set kernel.apparmor_restrict_unprivileged_userns=0."
)
NAMESPACES = (
    "Allow user namespaces: kernel.unprivileged_userns_clone=1 where that setting exists and"
    " user.max_user_namespaces above 0. In a container, start it with"
    " --security-opt seccomp=unconfined --security-opt apparmor=unconfined, and as root with"
    " --cap-add SYS_ADMIN."
)
FASTER = (
    "Sessions work all the same, each as a process that starts anew: slower, and with more memory. To have"
    " them forked, bubblewrap must be allowed to give capabilities within its own user namespace."
)
BREACH = (
    "Do not run untrusted code here. Please report this with the versions of the kernel and of"
    " bubblewrap."
)
WORKER = "Look at what the worker said; bubblewrap itself started it."
# Words of a cause → what helps. The first that fits; the last fits always.
CURES = (
    (("breach of isolation",), BREACH),
    (("setting up uid map", "RTM_NEWADDR"), APPARMOR),
    (("Unknown option",), INSTALL),
    (("bwrap:",), NAMESPACES),
    (("",), WORKER),
)
TRUSTED = ' For code that you trust, isolation="none" runs it without a sandbox.'


def cure_for(causes: Iterable[str]) -> str:
    """Return what helps against the failures of all that was tried."""
    said = "\n".join(causes)
    return next(cure for needles, cure in CURES if any(needle in said for needle in needles))
