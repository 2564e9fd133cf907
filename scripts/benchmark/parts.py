"""What is measured: reception, system calls, idle sessions, delivery, listing."""
import glob
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

from measure import Calls, Group, busy
from peers import Bobbin, Exim

POSTFIX = os.environ.get("BENCH_POSTFIX", "")
TOOLS = {"LD_LIBRARY_PATH": f"{POSTFIX}/usr/lib/postfix", "PATH": os.environ["PATH"]}
SOURCE = f"{POSTFIX}/usr/sbin/smtp-source"
SINK = f"{POSTFIX}/usr/sbin/smtp-sink"


def send(port, count, size, connections, many=True, recipient="c@one.test"):
    """Has smtp-source send messages; false when it failed."""
    command = [SOURCE] + (["-d"] if many else []) + [
        "-s", str(connections), "-m", str(count), "-l", str(size), "-f", "a@b.test", "-t", recipient,
        f"127.0.0.1:{port}"]
    result = subprocess.run(command, env=TOOLS, capture_output=True, text=True, timeout=180)
    if result.returncode:
        print(f"  smtp-source: {result.stderr.strip()[:200]}", file=sys.stderr)
    return result.returncode == 0


def middle(values):
    return statistics.median(values) if values else float("nan")


def ratio(a, b):
    return f"{a / b:.2f}x" if b and b == b and a == a else "-"


def table(title, head, rows):
    print(f"\n{title}\n")
    widths = [max(len(str(row[i])) for row in [head] + rows) for i in range(len(head))]
    for row in [head] + rows:
        print("  " + "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())
    sys.stdout.flush()


# Reception


def reception(options, places, servers):
    for medium, place in places.items():
        peers = start(servers, place, options)
        for size in options.size:
            for connections in options.connections:
                figures = {peer.label: [] for peer in peers}
                for _ in range(options.repeat):
                    for peer in peers:
                        figures[peer.label].append(receive_once(peer, size, connections, options))
                report_reception(medium, size, connections, peers, figures, options)
        for peer in peers:
            peer.end()


def receive_once(peer, size, connections, options):
    count = options.messages
    if options.one_per_connection and isinstance(peer, Exim):
        # It waits 200 ms after each QUIT: fewer, so that this ends.
        count = min(count, 20 * connections)
    cpu, others, begun = peer.group.cpu(), busy(), time.monotonic()
    good = send(peer.port, count, size, connections, many=not options.one_per_connection)
    wall = time.monotonic() - begun
    time.sleep(0.2)
    if not good:
        print(f"  {peer.label}: {peer.state()}", file=sys.stderr)
    used = peer.group.cpu() - cpu
    peer.wipe()
    return (count / wall, used / count * 1e6) if good else (float("nan"), float("nan"))


def report_reception(medium, size, connections, peers, figures, options):
    way = "one message a connection" if options.one_per_connection else "many messages a connection"
    mine = [middle([f[i] for f in figures["bobbin"]]) for i in (0, 1)]
    rows = []
    for peer in peers:
        rate, cpu = (middle([f[i] for f in figures[peer.label]]) for i in (0, 1))
        rows.append([peer.label, f"{rate:.0f}", f"{cpu:.0f}", ratio(mine[0], rate), ratio(mine[1], cpu)])
    table(f"Reception, {medium}, {size} octets, {connections} connections, {way}, "
          f"{options.messages} messages, median of {options.repeat}",
          ["", "messages/s", "CPU us/message", "bobbin's rate is", "bobbin's CPU is"], rows)


def start(servers, place, options, certificate=None):
    peers = []
    port = 2600
    for server, label, more in servers:
        port += 1
        directory = f"{place}/{label}"
        os.makedirs(directory)
        os.chmod(directory, 0o755)
        peer = server(directory, port, more, certificate)
        peer.label = label
        try:
            peer.start()
        except RuntimeError as error:
            print(f"{label} cannot be started here and is left out: {error}", file=sys.stderr)
            peer.end()
            continue
        send(port, 20, 1024, 2)
        peer.wipe()
        peers.append(peer)
    return peers


# System calls


def calls(options, places, servers):
    for medium, place in places.items():
        peers = start(servers, f"{place}/calls", options)
        for connections in options.connections:
            rows = []
            for peer in peers:
                count = max(options.messages // 5, 4 * connections)
                send(peer.port, count, 10240, connections)
                with Calls(peer.group, f"{place}/strace") as seen:
                    send(peer.port, count, 10240, connections)
                peer.wipe()
                most = sorted(seen.counts.items(), key=lambda item: -item[1])[: options.names]
                rows.append([peer.label, f"{seen.total() / count:.1f}", f"{seen.syncs() / count:.2f}",
                             ", ".join(f"{name} {number / count:.1f}" for name, number in most)])
            table(f"Reception, {medium}, 10240 octets, {connections} connections: system calls a message",
                  ["", "calls", "syncs", "the most frequent"], rows)
        for peer in peers:
            peer.end()


# Idle sessions


def idle(options, places, servers):
    medium, place = list(places.items())[-1]
    peers = start(servers, f"{place}/idle", options)
    rows = []
    for number in options.sessions:
        for peer in peers:
            if number > 2000 and not isinstance(peer, Bobbin):
                continue
            before, cpu = peer.group.memory(), peer.group.cpu()
            sockets, trouble = open_sessions(peer.port, number)
            time.sleep(0.5)
            after, opened = peer.group.memory(), len(sockets) or 1
            rows.append([peer.label, f"{len(sockets)} of {number}", f"{(after[0] - before[0]) / opened:.1f}",
                         f"{(after[1] - before[1]) / opened:.1f}",
                         f"{(peer.group.cpu() - cpu) / opened * 1e6:.0f}", rate_beside(peer), trouble])
            for opened in sockets:
                opened.close()
            time.sleep(0.5)
    table("Idle sessions (EHLO answered), and reception beside them",
          ["", "held", "private KiB each", "PSS KiB each", "CPU us to open", "messages/s beside", ""], rows)
    for peer in peers:
        peer.end()


def rate_beside(peer):
    begun = time.monotonic()
    good = send(peer.port, 300, 10240, 10)
    rate = 300 / (time.monotonic() - begun)
    peer.wipe()
    return f"{rate:.0f}" if good else "failed"


def open_sessions(port, number):
    sockets = []
    for index in range(number):
        try:
            # Several addresses of our own, so that ports do not run out.
            connection = socket.create_connection(
                ("127.0.0.1", port), timeout=20, source_address=(f"127.0.2.{index % 50 + 1}", 0))
            answer = connection.recv(1000)
            if not answer.startswith(b"220"):
                return sockets, answer.decode(errors="replace").strip()
            connection.sendall(b"EHLO idle.test\r\n")
            while not re.search(rb"^250 .*\n$", answer, re.M):
                more = connection.recv(2000)
                if not more:
                    return sockets, "closed"
                answer += more
            sockets.append(connection)
        except OSError as error:
            return sockets, repr(error)
    return sockets, ""


# Delivery


def delivery(options, places, servers):
    group = Group("sink")
    nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
    group.start([SINK] + nobody + ["-m", "3000", "0.0.0.0:2525", "1024"], env=TOOLS)
    time.sleep(0.5)
    try:
        for medium, place in places.items():
            peers = start(servers, f"{place}/delivery", options)
            for destinations, dead in options.hosts:
                figures = {peer.label: [] for peer in peers}
                for _ in range(options.repeat):
                    for peer in peers:
                        figures[peer.label].append(deliver_once(peer, destinations, dead, options))
                report_delivery(medium, destinations, dead, peers, figures, options)
            for peer in peers:
                peer.end()
    finally:
        group.end()


def fill(peer, destinations, dead, count):
    """Queues messages; gives how many of them cannot be delivered."""
    if destinations == 1:
        send(peer.port, count, 10240, 10)
        return 0
    for number in range(1, destinations + 1):
        name = "dead" if number <= dead else "d"
        send(peer.port, count // destinations, 10240, 4, recipient=f"c@{name}{number}.test")
    return count // destinations * dead


def deliver_once(peer, destinations, dead, options):
    peer.forget()
    stuck = fill(peer, destinations, dead, options.queued)
    queued = peer.waiting()
    opens = active_opens()
    if hasattr(peer, "deliver_all"):
        wall, cpu = peer.deliver_all()
    else:
        wall, cpu = peer.group.run(peer.deliver())
    left = peer.waiting()
    if queued != options.queued or left != stuck:
        print(f"  {peer.label}: {queued} queued, {left} left, {stuck} expected", file=sys.stderr)
    done = (queued - left) or 1
    result = (done / wall, cpu / done * 1e6, active_opens() - opens)
    peer.wipe()
    return result


def active_opens():
    """Connections opened in this network so far."""
    lines = [line.split() for line in open("/proc/net/snmp") if line.startswith("Tcp:")]
    return int(lines[1][lines[0].index("ActiveOpens")])


def report_delivery(medium, destinations, dead, peers, figures, options):
    mine = [middle([f[i] for f in figures["bobbin"]]) for i in (0, 1)]
    rows = []
    for peer in peers:
        rate, cpu, opens = (middle([f[i] for f in figures[peer.label]]) for i in (0, 1, 2))
        rows.append([peer.label, f"{rate:.0f}", f"{cpu:.0f}", f"{opens:.0f}", ratio(mine[0], rate),
                     ratio(mine[1], cpu)])
    table(f"Queue run, {medium}, {options.queued} messages of 10240 octets to {destinations} hosts, {dead} of them dead, "
          f"median of {options.repeat}",
          ["", "messages/s", "CPU us/message", "connections", "bobbin's rate is", "bobbin's CPU is"], rows)


# Listing

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(value, width):
    text = ""
    for _ in range(width):
        text = DIGITS[value % 62] + text
        value //= 62
    return text


def copy_message(spool, count):
    """Makes many messages of the one in a spool."""
    original = glob.glob(f"{spool}/input/*-H")[0]
    name = os.path.basename(original)[:-2]
    header, data = open(original, "rb").read(), open(f"{spool}/input/{name}-D", "rb").read()
    owner = os.stat(original)
    time_line = re.search(rb"^(\d{9,11}) 0$", header, re.M)
    begun = int(time_line[1])
    for number in range(count):
        moment = begun - 7 * number - 7
        new = f"{base62(moment, 6)}-{base62(1000 + number % 20000, 6)}-{base62(number % 200, 2)}"
        for suffix, octets in (("-H", header), ("-D", data)):
            octets = octets.replace(name.encode(), new.encode()).replace(time_line[0], b"%d 0" % moment)
            file = os.open(f"{spool}/input/{new}{suffix}", os.O_WRONLY | os.O_CREAT, 0o640)
            os.write(file, octets)
            os.fchown(file, owner.st_uid, owner.st_gid)
            os.close(file)
    for suffix in ("-H", "-D"):
        os.unlink(f"{spool}/input/{name}{suffix}")


def listing(options, places, servers):
    """Exim and Bobbin list one and the same spool."""
    medium, place = list(places.items())[0]
    place = f"{place}/listing"
    exim = start([(Exim, "exim", None)], place, options)[0]
    send(exim.port, 1, 4096, 1)
    exim.end()
    copy_message(exim.spool, options.listed)
    bobbin = Bobbin(place, 2690, None)
    bobbin.configuration = exim.configuration
    for what in ("list", "count", "select by recipient"):
        figures = {"exim": [], "bobbin": []}
        for _ in range(options.repeat):
            for peer in (exim, bobbin):
                figures[peer.name].append(timed(peer.listings()[what]))
        mine = [middle([f[i] for f in figures["bobbin"]]) for i in range(3)]
        rows = []
        for name in figures:
            wall, cpu, memory = (middle([f[i] for f in figures[name]]) for i in range(3))
            rows.append([name, f"{wall * 1000:.0f}", f"{cpu * 1000:.0f}", f"{memory / 1024:.1f}",
                         ratio(mine[0], wall), ratio(mine[1], cpu), ratio(mine[2], memory)])
        table(f"{what}: {options.listed} messages, {medium}, warm cache, median of {options.repeat}",
              ["", "wall ms", "CPU ms", "MiB", "bobbin's wall is", "CPU", "memory"], rows)
    bobbin.end()
    shutil.rmtree(place)


def timed(command, env=None):
    """Wall and CPU seconds, and the most memory in KiB, of one command."""
    begun = time.monotonic()
    pid = os.fork()
    if pid == 0:
        null = os.open("/dev/null", os.O_WRONLY)
        os.dup2(null, 1)
        try:
            os.execvpe(command[0], command, env or os.environ)
        finally:
            os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    if status:
        print(f"  {' '.join(command)} ended with {status}", file=sys.stderr)
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss
