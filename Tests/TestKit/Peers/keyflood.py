#!/usr/bin/env python3
# A peer that says nothing more under TLS but that its keys change (RFC 8446, section 4.6.3), without end.
#
#   keyflood.py server ADDRESS PORT CERTIFICATE KEY asking|plain    begins with TLS, and floods after RCPT
#   keyflood.py client ADDRESS PORT asking|plain                    floods after STARTTLS and EHLO
#
# `asking` wants the other side's keys changed each time, too. Prints `ready` when it listens, `flooding` when it
# begins, and `left` when the other side has ended the connection.
import ctypes
import socket
import sys

library = ctypes.CDLL("libssl.so.3")
for name in ["SSL_CTX_new", "TLS_server_method", "TLS_client_method", "SSL_new"]:
    getattr(library, name).restype = ctypes.c_void_p
NOT_REQUESTED, REQUESTED, PEM = 0, 1, 1


def pointer(value):
    return ctypes.c_void_p(value)


def say(word):
    print(word, flush=True)


def session(method, certificate=None, key=None):
    context = pointer(library.SSL_CTX_new(pointer(method())))
    if certificate:
        assert library.SSL_CTX_use_certificate_chain_file(context, certificate.encode()) == 1
        assert library.SSL_CTX_use_PrivateKey_file(context, key.encode(), PEM) == 1
    return pointer(library.SSL_new(context))


def line(talk):
    text = b""
    octet = ctypes.create_string_buffer(1)
    while not text.endswith(b"\n"):
        if library.SSL_read(talk, octet, 1) != 1:
            return None
        text += octet.raw
    return text


def write(talk, text):
    return library.SSL_write(talk, text, len(text)) == len(text)


def flood(talk, kind):
    say("flooding")
    while library.SSL_key_update(talk, kind) == 1 and library.SSL_do_handshake(talk) == 1:
        pass
    say("left")


def kind(word):
    return REQUESTED if word == "asking" else NOT_REQUESTED


def serve(address, port, certificate, key, word):
    listener = socket.create_server((address, int(port)))
    say("ready")
    while True:
        connection, _ = listener.accept()
        talk = session(library.TLS_server_method, certificate, key)
        library.SSL_set_fd(talk, connection.fileno())
        if library.SSL_accept(talk) != 1:
            continue
        write(talk, b"220 flood.example ESMTP\r\n")
        while command := line(talk):
            if command.startswith(b"RCPT"):
                flood(talk, kind(word))
                break
            write(talk, b"250 OK\r\n")
        connection.close()


def ask(address, port, word):
    connection = socket.create_connection((address, int(port)))
    file = connection.makefile("rb")
    file.readline()
    for command in [b"EHLO flood.example\r\n", b"STARTTLS\r\n"]:
        connection.sendall(command)
        while file.readline()[3:4] == b"-":
            pass
    talk = session(library.TLS_client_method)
    library.SSL_set_fd(talk, connection.fileno())
    assert library.SSL_connect(talk) == 1
    write(talk, b"EHLO flood.example\r\n")
    while line(talk)[3:4] == b"-":
        pass
    flood(talk, kind(word))


(serve if sys.argv[1] == "server" else ask)(*sys.argv[2:])
