"""What a NAT really does, found out without a line of the product.

  oracle.py serve IP IP            answers on two ports of two addresses, until it is killed; prints "ready"
  oracle.py ask IP IP              asks them from one socket after another and prints what it found, as JSON

A request is `what` and a number. `where` is answered with the address it came from; `poke` has the server answer from the
socket with that number (0-3: first address first port, first second, second first, second second), whoever was asked.
"""
import json
import socket
import sys

PORTS = (7001, 7002)
WAIT = 0.4


def bound(ip, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((ip, port))
    return sock


def serve(ips):
    import selectors
    socks = [bound(ip, port) for ip in ips for port in PORTS]
    selector = selectors.DefaultSelector()
    for sock in socks:
        selector.register(sock, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            data, source = key.fileobj.recvfrom(100)
            what, number = data.decode().split()
            sender = key.fileobj if what == "where" else socks[int(number)]
            sender.sendto(json.dumps([what, source]).encode(), source)


def ask(sock, target, what, number=0):
    """All answers within the time, as (what, mapped address, where from); asked twice against loss."""
    sock.settimeout(WAIT)
    answers = []
    for _ in range(2):
        sock.sendto(f"{what} {number}".encode(), target)
        try:
            while True:
                data, source = sock.recvfrom(200)
                said, mapped = json.loads(data)
                answers.append((said, tuple(mapped), source))
                if said == what == "where":
                    return answers
        except TimeoutError:
            pass
    return answers


def where(sock, target):
    answers = [mapped for said, mapped, source in ask(sock, target, "where") if source == target]
    return answers[0] if answers else None


def mapping(targets):
    sock = bound("0.0.0.0", 0)
    seen = [where(sock, target) for target in targets]
    same_ip = seen[0] == seen[1] and seen[2] == seen[3]
    kind = "independent" if len(set(seen)) == 1 else "address" if same_ip else "address-and-port"
    local = sock.getsockname()[1]
    return {"mapping": kind, "preserves": all(port == local for _, port in seen), "seen": seen}


def filtering(targets):
    """Only the first socket of the server was ever spoken to; which of the others get through?"""
    sock = bound("0.0.0.0", 0)
    where(sock, targets[0])
    through = lambda number: any(source == targets[number] for _, _, source in ask(sock, targets[0], "poke", number))
    if through(3):
        return "independent"
    return "address" if through(1) else "address-and-port"


def poisoned(targets):
    """A packet from a stranger first; does what goes to the stranger later leave from another port?"""
    sock = bound("0.0.0.0", 0)
    before = where(sock, targets[0])
    ask(sock, targets[0], "poke", 2)
    return where(sock, targets[2]) != before


if __name__ == "__main__":
    role, *ips = sys.argv[1:]
    if role == "serve":
        serve(ips)
    targets = [(ip, port) for ip in ips for port in PORTS]
    print(json.dumps({**mapping(targets), "filtering": filtering(targets), "poisoned": poisoned(targets)}))
