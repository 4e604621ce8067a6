"""Mappings of a router that end a fixed time after they were made, whatever traffic they carry, until it is killed.

expiry.py SECONDS

A mapping is a UDP socket inside. When its time is up the router forgets its flows, and the map `given` of its table
gives the socket another port.
"""

import random
import re
import subprocess
import sys
import time

POLL_S = 0.25
LOW, PORTS = 32_768, 16_384
FLOW = re.compile(r"src=(\S+) dst=\S+ sport=(\d+) ")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def sockets():
    """Those inside that have flows through the router: the first addresses of a flow are those of who began it."""
    flows = run("conntrack", "-L", "-p", "udp").splitlines()
    return {found.groups() for found in map(FLOW.search, flows) if found}


def renew(address, port):
    run("nft", "delete", "element", "ip", "router", "given", f"{{ {port} }}")
    other = LOW + random.randrange(PORTS)
    run("nft", "add", "element", "ip", "router", "given", f"{{ {port} : {other} }}")
    run("conntrack", "-D", "-p", "udp", "-s", address, "--sport", port)


def main():
    lifetime = float(sys.argv[1])
    born = {}
    while True:
        now = time.monotonic()
        there = sockets()
        born = {socket: born.get(socket, now) for socket in there}
        for socket in [it for it in there if now - born[it] >= lifetime]:
            renew(*socket)
            del born[socket]
        time.sleep(POLL_S)


main()
