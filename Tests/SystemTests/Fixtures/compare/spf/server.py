#!/usr/bin/env python3
"""A name server that knows what the file `zones` says, on port 53 of an address of its own.

A line of the file is a name, a type and its data: A, AAAA, MX (a name), PTR, CNAME, TXT (the rest of the line; `|` between
strings), or SERVFAIL, which every question for the name gets. Prints the address, and ends when nobody reads that any more.
"""
import os
import pathlib
import random
import select
import socket
import struct
import sys

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
NAME_ERROR, SERVER_FAILURE = 3, 2
ATTEMPTS = 100


def wire(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def data(kind, text):
    if kind == "A":
        return socket.inet_aton(text)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, text)
    if kind == "MX":
        return struct.pack("!H", 10) + wire(text)
    if kind == "TXT":
        strings = [part.encode() for part in text.split("|")]
        return b"".join(bytes([len(part)]) + part for part in strings)
    return wire(text)


def read(path):
    zones = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, kind, text = (line.split(None, 2) + [""])[:3]
            zones.setdefault(name.lower(), []).append((kind, text))
    return zones


def exists(zones, name):
    return name in zones or any(other.endswith("." + name) for other in zones)


def records(zones, name, kind, depth=0):
    """Resource records for a question, aliases followed."""
    found = []
    for own, text in zones.get(name, []):
        if own == kind or own == "CNAME":
            octets = data(own, text)
            found.append(wire(name) + struct.pack("!HHIH", TYPES[own], 1, 300, len(octets)) + octets)
        if own == "CNAME" and kind != "CNAME" and depth < 8:
            found += records(zones, text.lower(), kind, depth + 1)
    return found


def answer(zones, question):
    identity, flags = struct.unpack("!HH", question[:4])
    labels, place = [], 12
    while question[place]:
        length = question[place]
        labels.append(question[place + 1:place + 1 + length].decode("latin-1").lower())
        place += length + 1
    name = ".".join(labels)
    number, = struct.unpack("!H", question[place + 1:place + 3])
    kinds = [kind for kind, code in TYPES.items() if code == number]
    found, code = [], 0
    if any(own == "SERVFAIL" for own, _ in zones.get(name, [])):
        code = SERVER_FAILURE
    elif not exists(zones, name):
        code = NAME_ERROR
    elif kinds:
        found = records(zones, name, kinds[0])
    head = struct.pack("!HHHHHH", identity, 0x8580 | flags & 0x100 | code, 1, len(found), 0, 0)
    return head + question[12:place + 5] + b"".join(found)


def main():
    zones = read(pathlib.Path(__file__).with_name("zones"))
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(ATTEMPTS):
        address = f"127.{random.randint(8, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
        try:
            server.bind((address, 53))
            break
        except OSError:
            continue
    print(address, flush=True)
    watch = select.poll()
    watch.register(server, select.POLLIN)
    watch.register(sys.stdout, select.POLLERR)
    while True:
        for descriptor, event in watch.poll():
            if descriptor != server.fileno():
                os._exit(0)
            question, client = server.recvfrom(4096)
            server.sendto(answer(zones, question), client)


main()
