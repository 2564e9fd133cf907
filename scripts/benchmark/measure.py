"""What a server costs: CPU of a whole control group, system calls, memory."""
import os
import re
import signal
import socket
import struct
import subprocess
import time

ROOTS = ["/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup"]


class Group:
    """The processes of one server, the ended ones too.

    A control group where one can be made (exact), else the sum over a session's processes in /proc.
    """

    made = []

    def __init__(self, name):
        Group.made.append(self)
        self.path = None
        self.leaders = []
        for root in ROOTS:
            path = f"{root}/bobbin-bench-{os.getpid()}-{name}"
            try:
                os.mkdir(path)
            except OSError:
                continue
            if os.path.exists(f"{path}/cpuacct.usage") or os.path.exists(f"{path}/cpu.stat"):
                self.path = path
                return
            os.rmdir(path)

    def start(self, command, **options):
        def enter():
            os.setsid()
            if self.path:
                with open(f"{self.path}/cgroup.procs", "w") as procs:
                    procs.write(str(os.getpid()))

        options.setdefault("stdout", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen(command, preexec_fn=enter, stdin=subprocess.DEVNULL, **options)
        self.leaders.append(process)
        return process

    def run(self, command, timeout=300, **options):
        """Runs to the end; gives wall and CPU seconds."""
        before, begun = self.cpu(), time.monotonic()
        self.start(command, **options).wait(timeout)
        return time.monotonic() - begun, self.cpu() - before

    def pids(self):
        if self.path:
            with open(f"{self.path}/cgroup.procs") as procs:
                return [int(line) for line in procs]
        sessions = {process.pid for process in self.leaders}
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                fields = stat(name)
                if fields and int(fields[3]) in sessions:
                    found.append(int(name))
        return found

    def cpu(self):
        """Seconds of CPU, user and system, since the group was made."""
        if self.path and os.path.exists(f"{self.path}/cpuacct.usage"):
            return int(open(f"{self.path}/cpuacct.usage").read()) / 1e9
        if self.path:
            return int(re.search(r"usage_usec (\d+)", open(f"{self.path}/cpu.stat").read())[1]) / 1e6
        ticks = 0
        for pid in self.pids():
            fields = stat(pid)
            ticks += sum(int(fields[index]) for index in (11, 12, 13, 14)) if fields else 0
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Private KiB, and KiB with shared pages divided, of all processes."""
        private = shared = 0
        for pid in self.pids():
            try:
                text = open(f"/proc/{pid}/smaps_rollup").read()
            except OSError:
                continue
            private += sum(int(kib) for kib in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", text, re.M))
            shared += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
        return private, shared

    def end(self):
        if self not in Group.made:
            return
        Group.made.remove(self)
        for how in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            for pid in self.pids():
                try:
                    os.kill(pid, how)
                except ProcessLookupError:
                    pass
            for _ in range(40):
                for process in self.leaders:
                    process.poll()
                if not self.pids():
                    break
                time.sleep(0.05)
        if self.path:
            try:
                os.rmdir(self.path)
            except OSError:
                pass


def stat(pid):
    """The fields of /proc/PID/stat behind the name, or None."""
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    except OSError:
        return None


class Calls:
    """System calls of a group while the value is open (strace; times mean nothing then)."""

    SYNC = ("fsync", "fdatasync", "syncfs", "sync_file_range", "msync")

    def __init__(self, group, file):
        self.group, self.file = group, file
        self.counts = {}

    def __enter__(self):
        pids = [word for pid in self.group.pids() for word in ("-p", str(pid))]
        self.tracer = subprocess.Popen(
            ["strace", "-q", "-c", "-f", "-o", self.file] + pids, stderr=subprocess.DEVNULL)
        time.sleep(1)
        return self

    def __exit__(self, *failure):
        time.sleep(0.5)
        self.tracer.send_signal(signal.SIGINT)
        self.tracer.wait()
        self.counts = calls_in(self.file)

    def total(self):
        return sum(self.counts.values())

    def syncs(self):
        return sum(self.counts.get(name, 0) for name in self.SYNC)


def calls_in(file):
    """The counts in what strace -c wrote."""
    counts = {}
    for line in open(file):
        words = line.split()
        if len(words) >= 5 and words[0][0].isdigit() and words[-1] != "total":
            counts[words[-1]] = int(words[3])
    return counts


def raise_loopback():
    """In a network of our own, loopback is down at first."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        import fcntl
        fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))


def wait_for_port(port, seconds=20):
    end = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 2) as connection:
                connection.recv(200)
                connection.sendall(b"QUIT\r\n")
                connection.recv(200)
            return True
        except OSError:
            if time.monotonic() > end:
                return False
            time.sleep(0.05)


def busy():
    """CPU seconds of the whole machine."""
    words = open("/proc/stat").readline().split()[1:]
    return sum(int(words[index]) for index in (0, 1, 2, 5, 6, 7)) / os.sysconf("SC_CLK_TCK")
