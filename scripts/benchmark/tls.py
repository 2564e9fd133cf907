"""Mail under TLS: sessions with STARTTLS against sessions in clear text, and a queue run to a server with TLS."""
import asyncio
import concurrent.futures
import os
import re
import socket
import ssl
import subprocess
import sys
import time

from measure import Group
from parts import active_opens, middle, ratio, start, table
from peers import Certificate

KEYS = {"P-256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "RSA-2048": ["-newkey", "rsa:2048"]}
MESSAGE = b"Subject: bench\r\n\r\n" + b"x" * 70 + b"\r\n" + b".\r\n"
CLIENTS = 8
LIBRARY_PORT = 2691


def make_certificate(place, name):
    """A key of its own that vouches for itself; no server asks anybody."""
    certificate = Certificate(f"{place}/{name}.crt", f"{place}/{name}.key")
    subprocess.run(["openssl", "req", "-x509", *KEYS[name], "-nodes", "-days", "9", "-subj", "/CN=bench.test",
                    "-keyout", certificate.key, "-out", certificate.chain], check=True, capture_output=True)
    # The servers read it as their own users.
    os.chmod(certificate.key, 0o644)
    return certificate


def no_verification():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# Sessions


class Session:
    """One SMTP session that sends one small message."""

    def __init__(self, port, context):
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.expect(b"2")
        self.command(b"EHLO client.test", b"2")
        if context:
            self.command(b"STARTTLS", b"2")
            self.connection = context.wrap_socket(self.connection)
            self.command(b"EHLO client.test", b"2")

    def expect(self, code):
        text = b""
        while not re.search(rb"^\d{3} .*\n$", text, re.M):
            more = self.connection.recv(4096)
            if not more:
                raise OSError(f"closed after {text!r}")
            text += more
        if not text.startswith(code):
            raise OSError(f"unexpected: {text!r}")

    def command(self, line, code):
        self.connection.sendall(line + b"\r\n")
        self.expect(code)

    def send(self):
        with self.connection:
            self.command(b"MAIL FROM:<a@b.test>", b"2")
            self.command(b"RCPT TO:<c@one.test>", b"2")
            self.command(b"DATA", b"3")
            self.connection.sendall(MESSAGE)
            self.expect(b"2")
            self.command(b"QUIT", b"2")


def sessions(port, count, context):
    """Runs sessions, several at a time; gives how many of them failed."""
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        return sum(clients.map(lambda _: 0 if succeeded(port, context) else 1, range(count)))


def succeeded(port, context):
    try:
        Session(port, context).send()
        return True
    except OSError as error:
        print(f"  a session failed: {error}", file=sys.stderr)
        return False


def session_cost(peer, count, context):
    """CPU microseconds of the server for a session."""
    before = peer.group.cpu()
    failed = sessions(peer.port, count, context)
    # What goes on after the last answer belongs to it.
    time.sleep(0.5)
    used = peer.group.cpu() - before
    peer.wipe()
    return used / (count - failed) * 1e6 if failed < count else float("nan")


def library_cost(certificate, count):
    """CPU microseconds of openssl's own server for a connection with a handshake and nothing else."""
    group = Group("s_server")
    group.start(["openssl", "s_server", "-accept", f"127.0.0.1:{LIBRARY_PORT}", "-quiet", "-num_tickets", "0",
                 "-cert", certificate.chain, "-key", certificate.key])
    try:
        context = no_verification()
        for _ in range(100):
            try:
                handshake(context)
                break
            except OSError:
                time.sleep(0.05)
        before = group.cpu()
        for _ in range(count):
            handshake(context)
        return (group.cpu() - before) / count * 1e6
    finally:
        group.end()


def handshake(context):
    with context.wrap_socket(socket.create_connection(("127.0.0.1", LIBRARY_PORT), timeout=60)) as connection:
        connection.unwrap().close()


def report_sessions(medium, key, figures, bare, options):
    rows = []
    mine = figures["bobbin"]
    for label, (plain, secure) in figures.items():
        rows.append([label, f"{plain:.0f}", f"{secure:.0f}", f"{secure - plain:.0f}",
                     f"{secure / (plain + bare):.2f}", ratio(mine[1], secure)])
    table(f"A session with one message, {medium}, TLS 1.3, {key}, {options.secured} sessions, {CLIENTS} at a time, "
          f"median of {options.repeat}; openssl s_server takes {bare:.0f} us a handshake",
          ["", "plain CPU us", "STARTTLS CPU us", "difference", "of plain + s_server", "bobbin's CPU is"], rows)


# A queue run


class Sink:
    """A server that takes everything under TLS and forgets it, in a process of its own."""

    def __init__(self, certificate, group):
        group.start([sys.executable, __file__, certificate.chain, certificate.key], stderr=None)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", 2525), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("bench: the sink with TLS does not answer")

    @staticmethod
    async def serve(chain, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        server = await asyncio.start_server(
            lambda reader, writer: Sink.converse(reader, writer, context), "0.0.0.0", 2525, backlog=1024)
        await server.serve_forever()

    @staticmethod
    async def converse(reader, writer, context):
        secure = False
        try:
            writer.write(b"220 sink.test ESMTP\r\n")
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"EHLO":
                    offers = b"" if secure else b"250-STARTTLS\r\n"
                    writer.write(b"250-sink.test\r\n" + offers + b"250-PIPELINING\r\n250 8BITMIME\r\n")
                elif verb == b"STAR":
                    writer.write(b"220 go\r\n")
                    await writer.drain()
                    await writer.start_tls(context)
                    secure = True
                elif verb == b"DATA":
                    writer.write(b"354 go\r\n" if secure else b"530 not in clear text\r\n")
                    if secure:
                        while await reader.readline() != b".\r\n":
                            pass
                        writer.write(b"250 taken\r\n")
                elif verb == b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 ok\r\n")
                await writer.drain()
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def queue_run(peer, options):
    """Messages a second, CPU microseconds a message, connections."""
    peer.forget()
    failed = sessions(peer.port, options.secured, None)
    queued, opens = peer.waiting(), active_opens()
    if hasattr(peer, "deliver_all"):
        wall, cpu = peer.deliver_all()
    else:
        wall, cpu = peer.group.run(peer.deliver())
    left = peer.waiting()
    if failed or left or queued != options.secured:
        print(f"  {peer.label}: {failed} sessions failed, {queued} queued, {left} left", file=sys.stderr)
    peer.wipe()
    done = (queued - left) or 1
    return done / wall, cpu / done * 1e6, active_opens() - opens


def report_runs(medium, key, figures, options):
    mine = figures["bobbin"]
    rows = [[label, f"{rate:.0f}", f"{cpu:.0f}", f"{opens:.0f}", ratio(mine[0], rate), ratio(mine[1], cpu)]
            for label, (rate, cpu, opens) in figures.items()]
    table(f"Queue run under TLS, {medium}, {key}, {options.secured} small messages to one host, median of {options.repeat}",
          ["", "messages/s", "CPU us/message", "connections", "bobbin's rate is", "bobbin's CPU is"], rows)


# Both


def tls(options, places, servers):
    medium, place = list(places.items())[-1]
    context = no_verification()
    for key in KEYS:
        directory = f"{place}/tls-{key}"
        os.makedirs(directory)
        os.chmod(directory, 0o755)
        certificate = make_certificate(directory, key)
        peers = start(servers, directory, options, certificate)
        bare = middle([library_cost(certificate, options.secured) for _ in range(options.repeat)])
        costs = {peer.label: ([], []) for peer in peers}
        for _ in range(options.repeat):
            for peer in peers:
                costs[peer.label][0].append(session_cost(peer, options.secured, None))
                costs[peer.label][1].append(session_cost(peer, options.secured, context))
        figures = {label: tuple(map(middle, both)) for label, both in costs.items()}
        report_sessions(medium, key, figures, bare, options)
        sink = Group("tls-sink")
        try:
            Sink(certificate, sink)
            runs = {peer.label: [] for peer in peers}
            for _ in range(options.repeat):
                for peer in peers:
                    runs[peer.label].append(queue_run(peer, options))
            report_runs(medium, key, {label: tuple(middle(column) for column in zip(*values))
                                      for label, values in runs.items()}, options)
        finally:
            sink.end()
            for peer in peers:
                peer.end()


if __name__ == "__main__":
    asyncio.run(Sink.serve(*sys.argv[1:]))
