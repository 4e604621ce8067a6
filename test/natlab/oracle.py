"""What a NAT really does, found out without a line of the product.

  oracle.py serve IP IP            answers on two ports of two addresses, until it is killed; prints "ready"
  oracle.py ask IP IP              asks them from one socket after another and prints what it found, as JSON
  oracle.py burst IP               how many of 200 flows begun at once get through
  oracle.py lifetime IP S...       after how many of these seconds an answer still arrives: to one packet, and to a
                                   socket that was in use for 3 s
  oracle.py steady IP S            the outside ports, in turn, of a socket that is in use all the time
  oracle.py map PROTOCOL GATEWAY IP IP
                                   has the router open a port (upnp, nat-pmp, pcp); whether a stranger gets through
  oracle.py hairpin IP             prints where its socket is seen, then sends to what it reads, until something comes

A request is `what` and a number. `where` is answered with the address it came from; `later` the same, that many seconds
later; `poke` has the server answer from the socket with that number (0-3: first address first port, first second, second
first, second second), whoever was asked; `at` has it send to that address.
"""
import json
import re
import socket
import sys
import time

PORTS = (7001, 7002)
WAIT = 0.4


def bound(ip, port):
    sock = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((ip, port))
    return sock


def fresh(target):
    return bound("::" if ":" in target[0] else "0.0.0.0", 0)


def serve(ips):
    import selectors
    import threading
    socks = [bound(ip, port) for ip in ips for port in PORTS]
    selector = selectors.DefaultSelector()
    for sock in socks:
        selector.register(sock, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            data, source = key.fileobj.recvfrom(100)
            what, number = data.decode().split()
            answer = json.dumps([what, source[:2]]).encode()
            if what == "later":
                threading.Timer(float(number), key.fileobj.sendto, (answer, source)).start()
                continue
            if what == "at":
                ip, port = number.split(":")
                key.fileobj.sendto(answer, (ip, int(port)))
                continue
            sender = socks[int(number)] if what == "poke" else key.fileobj
            sender.sendto(answer, source)


def ask(sock, target, what, number=0):
    """All answers within the time, as (what, mapped address, where from); asked twice against loss."""
    sock.settimeout(WAIT)
    answers = []
    for _ in range(2):
        try:
            sock.sendto(f"{what} {number}".encode(), target)
            while True:
                data, source = sock.recvfrom(200)
                said, mapped = json.loads(data)
                answers.append((said, tuple(mapped), source[:2]))
                if said == what == "where":
                    return answers
        except (TimeoutError, PermissionError):
            pass
    return answers


def where(sock, target):
    answers = [mapped for said, mapped, source in ask(sock, target, "where") if source == target]
    return answers[0] if answers else None


def mapping(targets):
    sock = fresh(targets[0])
    seen = [where(sock, target) for target in targets]
    if None in seen:
        return {"udp": False}
    same_ip = seen[0] == seen[1] and seen[2] == seen[3]
    kind = "independent" if len(set(seen)) == 1 else "address" if same_ip else "address-and-port"
    local = sock.getsockname()[1]
    steps = {b[1] - a[1] for a, b in zip(seen, seen[1:])}
    return {
        "udp": True,
        "mapping": kind,
        "preserves": all(port == local for _, port in seen),
        "step": steps.pop() if len(steps) == 1 else None,
        "ports": [where(fresh(targets[0]), targets[0])[1] for _ in range(24)],
    }


def filtering(targets):
    """Only the first socket of the server was ever spoken to; which of the others get through?"""
    sock = fresh(targets[0])
    where(sock, targets[0])
    through = lambda number: any(source == targets[number] for _, _, source in ask(sock, targets[0], "poke", number))
    if through(3):
        return "independent"
    return "address" if through(1) else "address-and-port"


def poisoned(targets):
    """A packet from a stranger first; does what goes to the stranger later leave from another port?"""
    sock = fresh(targets[0])
    before = where(sock, targets[0])
    ask(sock, targets[0], "poke", 2)
    return where(sock, targets[2]) != before


def found(targets):
    said = mapping(targets)
    if not said["udp"]:
        return said
    return {**said, "filtering": filtering(targets), "poisoned": poisoned(targets)}


def burst(target):
    socks = [fresh(target) for _ in range(200)]
    for sock in socks:
        sock.sendto(b"where 0", target)
    return sum(heard(sock, WAIT / 10) for sock in socks)


def heard(sock, seconds):
    sock.settimeout(max(seconds, 0.01))
    try:
        sock.recv(200)
        return True
    except TimeoutError:
        return False


def lifetime(target, seconds):
    unreplied = {after: fresh(target) for after in seconds}
    stream = {after: fresh(target) for after in seconds}
    for _ in range(7):
        for sock in stream.values():
            where(sock, target)
        time.sleep(0.5)
    for socks in (unreplied, stream):
        for after, sock in socks.items():
            sock.sendto(f"later {after}".encode(), target)
    end = time.monotonic() + max(seconds) + 1
    arrived = lambda socks: [after for after, sock in socks.items() if heard(sock, end - time.monotonic())]
    late = arrived(unreplied)
    return {"unreplied": late, "stream": arrived(stream)}


def steady(target, seconds):
    sock = fresh(target)
    end = time.monotonic() + seconds
    ports = []
    while time.monotonic() < end:
        mapped = where(sock, target)
        if mapped and mapped[1] not in ports:
            ports.append(mapped[1])
        time.sleep(0.5)
    return ports


def mapped_port(protocol, gateway, sock, here):
    """The outside port that the router gave."""
    local = sock.getsockname()[1]
    if protocol == "upnp":
        return mapped_by_upnp(gateway, here, local)
    control = bound("0.0.0.0", 0)
    control.settimeout(1)
    if protocol == "nat-pmp":
        request = bytes([0, 1, 0, 0]) + local.to_bytes(2, "big") + bytes(2) + (600).to_bytes(4, "big")
    else:
        client = bytes(10) + b"\xff\xff" + socket.inet_aton(here)
        opcode = bytes(range(12)) + bytes([17, 0, 0, 0]) + local.to_bytes(2, "big") + bytes(2) + bytes(10) + b"\xff\xff" + bytes(4)
        request = bytes([2, 1, 0, 0]) + (600).to_bytes(4, "big") + client + opcode
    for _ in range(5):
        control.sendto(request, (gateway, 5351))
        try:
            answer = control.recv(1100)
        except OSError:
            time.sleep(0.2)
            continue
        if protocol == "nat-pmp":
            assert answer[:4] == bytes([0, 129, 0, 0]), answer.hex()
            return int.from_bytes(answer[10:12], "big")
        assert answer[0] == 2 and answer[3] == 0, answer.hex()
        return int.from_bytes(answer[42:44], "big")
    raise SystemExit(f"no {protocol} here")


def mapped_by_upnp(gateway, here, local):
    from urllib.request import Request, urlopen
    search = (
        "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n"
        "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"
    )
    control = bound(here, 0)
    control.settimeout(1)
    for _ in range(5):
        control.sendto(search.encode(), ("239.255.255.250", 1900))
        try:
            location = re.search(r"(?i)location: (\S+)", control.recv(2000).decode())[1]
            break
        except OSError:
            pass
    else:
        raise SystemExit("no upnp here")
    service = r"<serviceType>(urn:schemas-upnp-org:service:WANIPConnection:\d)</serviceType>.*?<controlURL>(.*?)</controlURL>"
    kind, path = re.search(service, urlopen(location).read().decode(), re.S).groups()
    fields = {
        "NewRemoteHost": "", "NewExternalPort": local, "NewProtocol": "UDP", "NewInternalPort": local,
        "NewInternalClient": here, "NewEnabled": 1, "NewPortMappingDescription": "oracle", "NewLeaseDuration": 600,
    }
    arguments = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    body = (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
        f'<u:AddPortMapping xmlns:u="{kind}">{arguments}</u:AddPortMapping></s:Body></s:Envelope>'
    )
    headers = {"Content-Type": 'text/xml; charset="utf-8"', "SOAPAction": f'"{kind}#AddPortMapping"'}
    urlopen(Request(re.match(r"http://[^/]+", location)[0] + path, body.encode(), headers)).read()
    return local


def opened(protocol, gateway, targets):
    """A packet from a stranger to the port that the router gave; the server is asked for it by another socket."""
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.connect(targets[0])
    address = here.getsockname()[0]
    sock = bound("0.0.0.0", 0)
    port = mapped_port(protocol, gateway, sock, address)
    outside, _ = where(fresh(targets[0]), targets[0])
    asking = fresh(targets[0])
    asking.sendto(f"at {outside}:{port}".encode(), targets[1])
    return {"port": port, "through": heard(sock, 2)}


def hairpin(target):
    sock = fresh(target)
    print(json.dumps(where(sock, target)), flush=True)
    other = tuple(json.loads(sys.stdin.readline()))
    for _ in range(20):
        sock.sendto(b"hello", other)
        if heard(sock, 0.1):
            sock.sendto(b"hello", other)
            return True
    return False


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    if role == "serve":
        serve(rest)
    if role == "map":
        protocol, gateway, *rest = rest
    if role in ("ask", "map"):
        targets = [(ip, port) for ip in rest for port in PORTS]
    else:
        target, numbers = (rest[0], PORTS[0]), [int(number) for number in rest[1:]]
    print(json.dumps({
        "ask": lambda: found(targets),
        "burst": lambda: burst(target),
        "lifetime": lambda: lifetime(target, numbers),
        "steady": lambda: steady(target, numbers[0]),
        "map": lambda: opened(protocol, gateway, targets),
        "hairpin": lambda: hairpin(target),
    }[role]()))
