"""Attacks by sockets."""

from .attack import Attack

NETWORK = {
    "connect to the host's loopback": Attack(
        code="""
attempt(lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", target["port"])))""",
        works_outside=True,
    ),
    "connect to the host's loopback by its newer address": Attack(
        code="""
attempt(lambda: connect(socket.AF_INET6, socket.SOCK_STREAM, ("::ffff:127.0.0.1", target["port"])))""",
        works_outside=True,
    ),
    "find a way out of the network": Attack(
        code="""
attempt(lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.1", 9)))"""
    ),
    "find a way out of the newer network": Attack(
        code="""
attempt(lambda: connect(socket.AF_INET6, socket.SOCK_DGRAM, ("2001:db8::1", 9)))"""
    ),
    "have a network interface": Attack(
        # Some kernels put tunnels that are down into every new network.
        code="""
def find():
    names = [name for _, name in socket.if_nameindex()]
    routes = open("/proc/net/route").read().splitlines()[1:]
    must_be(not routes and not any(name.startswith(("e", "w")) for name in names))
    return names, routes
attempt(find)"""
    ),
    "connect to a unix socket": Attack(
        code="attempt(lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, target['unix']))",
        works_outside=True,
    ),
    "connect to an abstract unix socket": Attack(
        code="""
attempt(lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, "\\0" + target["abstract"]))""",
        works_outside=True,
    ),
    "list the host's sockets": Attack(
        code="attempt(lambda: must_be(target['abstract'] not in open('/proc/net/unix').read()))",
        works_outside=True,
    ),
    "open a socket to the hypervisor": Attack(
        code="attempt(lambda: socket.socket(40, socket.SOCK_STREAM))"
    ),
    "open a raw socket": Attack(
        code="attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))"
    ),
    "open a socket that pings": Attack(
        code="attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1))"
    ),
    "open a packet socket": Attack(
        code="attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))"
    ),
    "open an express data path": Attack(code="attempt(lambda: socket.socket(44, socket.SOCK_RAW))"),
    "open a Bluetooth socket": Attack(
        code="attempt(lambda: socket.socket(31, socket.SOCK_RAW, 1))"
    ),
    "use the kernel's ciphers by a socket": Attack(
        code="attempt(lambda: socket.socket(38, socket.SOCK_SEQPACKET))"
    ),
    "open sockets of rare families": Attack(
        code="""
def open_all():
    found = set()
    for family in range(64):
        for kind in (1, 2, 3, 4, 5, 6, 10):
            try:
                socket.socket(family, kind).close()
            except OSError:
                continue
            found.add(family)
    must_be(found <= {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK})
    return found
attempt(open_all)"""
    ),
    "open sockets of rare protocols": Attack(
        # Each is another, less used piece of the kernel, which some machines load on demand.
        code="""
def open_all():
    found = set()
    for kind in (1, 2, 3, 4, 5, 6):
        for protocol in range(1, 264):
            for family in (socket.AF_INET, socket.AF_INET6):
                try:
                    socket.socket(family, kind, protocol).close()
                except OSError:
                    continue
                found.add((kind, protocol))
    must_be(found <= {(1, 6), (2, 17)})
    return found
attempt(open_all)"""
    ),
    "listen to the kernel by netlink": Attack(
        code="""
def listen():
    found = []
    for protocol in range(1, 32):
        try:
            socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol).close()
        except OSError:
            continue
        found.append(protocol)
    must_be(not found)
    return found
attempt(listen)"""
    ),
    "configure the network by netlink": Attack(
        # A request to bring the loopback interface down; the answer is an error number.
        code="""
def configure():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.sendto(struct.pack("IHHIIBxHiII", 32, 16, 5, 1, 0, 0, 0, 1, 0, 1), (0, 0))
        code = -struct.unpack_from("i", link.recv(4096), 16)[0]
    if code:
        raise OSError(code, os.strerror(code))
attempt(configure)"""
    ),
    "configure the network by a control call": Attack(
        code="""
request = struct.pack("16sh22x", b"lo", 0)
attempt(lambda: fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8914, request))"""
    ),
    "filter packets": Attack(
        code="""
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 255).setsockopt(0, 64, bytes(100)))"""
    ),
}
