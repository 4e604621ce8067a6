"""A wire between two network namespaces on which every packet takes its time, as this kernel may have no netem.

delay.py MS LOSS FILE INTERFACE FILE INTERFACE

Makes a TUN interface in each of the two, whose files are given, prints "ready", and brings what one sends to the other MS later, in order,
until it is killed. It drops the share LOSS of all packets, 0 to 1, the same ones in each run. A queue that is full drops, as a router would.
"""

import collections
import ctypes
import fcntl
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
LONGEST = 65_536
QUEUE = 20_000
LIBC = ctypes.CDLL(None, use_errno=True)


def tun(namespace, interface):
    with open(namespace) as there:
        if LIBC.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", interface.encode(), IFF_TUN | IFF_NO_PI))
    return device


def take(device, queue, delay, survives):
    """All that waits in the device and survives, stamped with when it is due."""
    while True:
        try:
            packet = os.read(device, LONGEST)
        except BlockingIOError:
            return
        if len(queue) < QUEUE and survives():
            queue.append((time.monotonic() + delay, packet))


def give(device, queue):
    """What is due. The kernel may refuse a packet, for example while the interface is down: it is lost."""
    while queue and queue[0][0] <= time.monotonic():
        _, packet = queue.popleft()
        try:
            os.write(device, packet)
        except OSError:
            pass


def main():
    delay, loss = float(sys.argv[1]) / 1000, float(sys.argv[2])
    chance = random.Random(1)
    a, b = tun(*sys.argv[3:5]), tun(*sys.argv[5:7])
    wires = [(a, b, collections.deque()), (b, a, collections.deque())]
    print("ready", flush=True)
    while True:
        due = [queue[0][0] for _, _, queue in wires if queue]
        patience = max(0, min(due) - time.monotonic()) if due else None
        ready, _, _ = select.select([a, b], [], [], patience)
        for source, target, queue in wires:
            if source in ready:
                take(source, queue, delay, lambda: chance.random() >= loss)
            give(target, queue)


main()
