#!/usr/bin/env python3
"""An SMTP server that callouts meet: what it says depends on the address it is met at, and on local parts.

Prints its port, and ends when nobody reads that any more.
"""
import os
import select
import socket
import sys
import threading

GREETINGS = {"127.0.0.2": "554 no service here", "127.0.0.3": "421 busy", "127.0.0.9": "220-two\n220 lines"}


def hello(local, word):
    if local == "127.0.0.4":
        return "550 not with that name"
    if local == "127.0.0.5" and word == "EHLO":
        return "500 what"
    return "250 mx.example" if word == "HELO" else "250-mx.example\n250-PIPELINING\n250 SIZE 1000"


def mail(local, address):
    if local == "127.0.0.6" and not address:
        return "550 5.7.1 no bounces"
    if address.startswith("nosender"):
        return "550 no such sender"
    return "250 sender ok"


def recipient(local, address):
    local_part = address.partition("@")[0]
    if local_part.startswith("bad"):
        return "550-5.1.1 unknown\n550 5.1.1 user"
    if local_part.startswith("later"):
        return "451 come back"
    if local_part.startswith("hang"):
        return None
    if local_part == "postmaster" and local == "127.0.0.8" and "@" in address:
        return "550 no postmaster"
    if "-testing" in local_part and local != "127.0.0.9":
        return "550 random is refused"
    return "250 ok"


def answer(local, line):
    word, _, rest = line.partition(":")
    address = rest.strip().partition(">")[0].lstrip("<")
    word = word.upper()
    if word[:4] in ("HELO", "EHLO", "LHLO"):
        return hello(local, word[:4])
    if word == "MAIL FROM":
        return mail(local, address)
    if word == "RCPT TO":
        return recipient(local, address)
    return {"QUIT": "221 bye", "RSET": "250 reset"}.get(word, "500 unknown")


def serve(connection):
    local = connection.getsockname()[0]

    def say(text):
        connection.sendall(text.replace("\n", "\r\n").encode() + b"\r\n")

    try:
        say(GREETINGS.get(local, "220 mx.example ready"))
        for line in connection.makefile("rb"):
            text = answer(local, line.decode("latin-1").rstrip("\r\n"))
            if text is None:
                break
            say(text)
            if text.startswith("221"):
                break
    except OSError:
        pass
    connection.close()


def main():
    listener = socket.create_server(("", 0), backlog=50)
    print(listener.getsockname()[1], flush=True)
    reader = select.poll()
    reader.register(sys.stdout, select.POLLERR | select.POLLHUP)
    reader.register(listener, select.POLLIN)
    while True:
        for descriptor, _ in reader.poll():
            if descriptor != listener.fileno():
                os._exit(0)
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


main()
