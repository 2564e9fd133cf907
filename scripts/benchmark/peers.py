"""The servers that are measured, each on a spool of its own."""
import contextlib
import dataclasses
import glob
import os
import pwd
import re
import shutil
import subprocess
import time

from measure import Group, wait_for_port

EXIM = "/usr/sbin/exim4"


@dataclasses.dataclass
class Certificate:
    """The files with which a server speaks TLS."""

    chain: str
    key: str


# Accepts all, queues only; dN.test goes to 127.0.1.N, everything else to 127.0.0.1, port 2525; where deadN.test goes,
# nobody listens.
EXIM_CONFIGURATION = r"""
primary_hostname = bench.test
spool_directory = @SPOOL@
log_file_path = @SPOOL@/log/%slog
queue_only = true
daemon_smtp_ports = @PORT@
local_interfaces = 127.0.0.1
smtp_accept_max = 0
smtp_accept_queue = 0
smtp_connect_backlog = 511
remote_max_parallel = 10
message_size_limit = 0
@TLS@
host_lookup =
never_users =
acl_smtp_rcpt = acl_accept
acl_smtp_data = acl_data
@MORE@
begin acl
acl_accept:
  accept
acl_data:
@DATA@
begin routers
many:
  driver = manualroute
  condition = ${if match{$domain}{\N^d(\d+)\.test$\N}}
  route_data = 127.0.1.${sg{$domain}{\N^d(\d+)\.test$\N}{\$1}}
  transport = out
  self = send
dead:
  driver = manualroute
  condition = ${if match{$domain}{\N^dead(\d+)\.test$\N}}
  route_data = 127.0.3.${sg{$domain}{\N^dead(\d+)\.test$\N}{\$1}}::2526
  transport = out
  self = send
one:
  driver = manualroute
  route_list = * 127.0.0.1
  transport = out
  self = send
begin transports
out:
  driver = smtp
  port = 2525
  allow_localhost
@OUT@
  hosts_try_fastopen =
begin retry
*  *  F,2h,15m
"""


def put_aside(directory):
    """Empties a directory without deleting anything.

    ext4 avoids inodes that were freed in the last minutes, one by one: deleting what one server has received would
    make the next one pay for that, by chance more or less.
    """
    aside = f"{directory}.aside"
    os.makedirs(aside, exist_ok=True)
    for root, _, files in os.walk(directory):
        for name in files:
            # A server that is still at work may have moved it itself.
            with contextlib.suppress(FileNotFoundError):
                os.rename(f"{root}/{name}", f"{aside}/{name}")


class EximLike:
    """A server on an Exim configuration."""

    more = ""
    data_acl = "  accept"

    def __init__(self, place, port, more=None, certificate=None):
        self.port = port
        self.spool = f"{place}/{self.name}"
        self.group = Group(f"{self.name}-{port}")
        owner = pwd.getpwnam("Debian-exim") if os.geteuid() == 0 else None
        for directory in ("", "/input", "/msglog", "/db", "/log"):
            os.makedirs(self.spool + directory, exist_ok=True)
            if owner:
                os.chown(self.spool + directory, owner.pw_uid, owner.pw_gid)
        self.configuration = f"{self.spool}/configuration"
        text = EXIM_CONFIGURATION.replace("@SPOOL@", self.spool).replace("@PORT@", str(port))
        with open(self.configuration, "w") as file:
            text = text.replace("@DATA@", self.data_acl)
            text = text.replace("@TLS@", self.tls_settings(certificate))
            text = text.replace("@OUT@", "  hosts_require_tls = *" if certificate else "  hosts_avoid_tls = *")
            file.write(text.replace("@MORE@", self.more if more is None else more))
        os.chmod(self.configuration, 0o644)

    @staticmethod
    def tls_settings(certificate):
        if not certificate:
            return "tls_advertise_hosts ="
        return f"tls_advertise_hosts = *\ntls_certificate = {certificate.chain}\ntls_privatekey = {certificate.key}"

    def start(self):
        self.group.start(self.daemon(), stderr=open(f"{self.spool}/stderr", "w"))
        if not wait_for_port(self.port):
            raise SystemExit(f"bench: {self.name} does not answer: {open(self.spool + '/stderr').read()}")

    def end(self):
        self.group.end()

    def wipe(self):
        for directory in ("input", "msglog"):
            put_aside(f"{self.spool}/{directory}")

    def forget(self):
        """Removes what past deliveries taught."""
        shutil.rmtree(f"{self.spool}/db")
        os.mkdir(f"{self.spool}/db")
        if os.geteuid() == 0:
            shutil.chown(f"{self.spool}/db", "Debian-exim", "Debian-exim")

    def state(self):
        """How the server is, for somebody who wonders why it does not answer."""
        codes = [process.poll() for process in self.group.leaders]
        with open(f"{self.spool}/stderr") as file:
            return f"exit codes {codes}; it said: {file.read()[-2000:]}"

    def waiting(self):
        # Messages that were accepted by a commit log come onto the queue a moment later.
        for _ in range(100):
            if not glob.glob(f"{self.spool}/input/hdr.*"):
                break
            time.sleep(0.05)
        return sum(name.endswith("-H") for _, _, files in os.walk(f"{self.spool}/input") for name in files)


class Exim(EximLike):
    name = "exim"

    def daemon(self):
        return [EXIM, "-C", self.configuration, "-bdf"]

    def deliver(self):
        return [EXIM, "-C", self.configuration, "-qff"]

    def listings(self):
        bare = [EXIM, "-C", self.configuration]
        grep = ["exiqgrep", "-C", self.configuration]
        return {"list": bare + ["-bp"], "count": bare + ["-bpc"],
                "select by recipient": grep + ["-i", "-r", "one.test"]}


class Bobbin(EximLike):
    name = "bobbin"
    programs = os.environ.get("BOBBIN_PROGRAMS", "")

    def daemon(self):
        return [f"{self.programs}/bobbin-receiver", "-C", self.configuration, "listen",
                "--listen", f"127.0.0.1:{self.port}", "--queue-only"]

    def deliver(self):
        return [f"{self.programs}/bobbin-queuerunner", "-C", self.configuration, "--force"]

    def listings(self):
        bare = [f"{self.programs}/bobbin", "exim", "-C", self.configuration]
        return {"list": bare + ["-bp"], "count": bare + ["-bpc"],
                "select by recipient": [f"{self.programs}/bobbin", "queue", "list", "-C",
                                        self.configuration, "-i", "-r", "one.test"]}


POSTFIX_MAIN = """
compatibility_level = 3.6
myhostname = bench.test
queue_directory = @SPOOL@
data_directory = @SPOOL@-data
mail_owner = postfix
setgid_group = postdrop
daemon_directory = @ROOT@/usr/lib/postfix/sbin
command_directory = @ROOT@/usr/sbin
shlib_directory = @ROOT@/usr/lib/postfix
meta_directory = @ROOT@/etc/postfix
import_environment = LD_LIBRARY_PATH MAIL_CONFIG TZ
export_environment = LD_LIBRARY_PATH MAIL_CONFIG TZ
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_data_restrictions = check_client_access static:HOLD
in_flow_delay = 0s
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
default_process_limit = 3000
smtpd_peername_lookup = no
smtp_host_lookup = native
disable_dns_lookups = yes
relayhost = [127.0.0.1]:2525
transport_maps = texthash:@CONF@/transport
maillog_file = /var/log/postfix-bench.log
message_size_limit = 0
mailbox_size_limit = 0
@TLS@
queue_run_delay = 1d
minimal_backoff_time = 1d
maximal_backoff_time = 1d
"""

POSTFIX_MASTER = """
@PORT@    inet  n       -       n       -       -       smtpd
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
pickup    unix  n       -       n       60      1       pickup
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""


class Postfix:
    """Postfix out of its package, not installed: its user is made in our own view of /etc only."""

    name = "postfix"
    root = os.environ.get("BENCH_POSTFIX", "")
    environment = {"LD_LIBRARY_PATH": f"{root}/usr/lib/postfix", "PATH": os.environ["PATH"]}
    uid, gid, drop = 64901, 64901, 64902

    def __init__(self, place, port, more=None, certificate=None):
        self.port = port
        self.spool = f"{place}/{self.name}"
        self.conf = f"{self.spool}-conf"
        self.group = Group(f"{self.name}-{port}")
        for directory in (self.spool, self.conf, f"{self.spool}-data"):
            os.makedirs(directory)
        os.chown(f"{self.spool}-data", self.uid, self.gid)
        for name in "incoming active bounce defer deferred flush hold saved trace corrupt private".split():
            self._directory(name, 0o700, self.gid)
        self._directory("public", 0o2710, self.drop)
        self._directory("maildrop", 0o1730, self.drop)
        os.mkdir(f"{self.spool}/pid")
        for name, text in (("main.cf", POSTFIX_MAIN), ("master.cf", POSTFIX_MASTER)):
            text = text.replace("@SPOOL@", self.spool).replace("@ROOT@", self.root)
            text = text.replace("@TLS@", self.tls_settings(certificate))
            with open(f"{self.conf}/{name}", "w") as file:
                file.write(text.replace("@CONF@", self.conf).replace("@PORT@", str(port)))
        with open(f"{self.conf}/transport", "w") as file:
            file.writelines(f"d{n}.test smtp:[127.0.1.{n}]:2525\n" for n in range(1, 51))
            file.writelines(f"dead{n}.test smtp:[127.0.3.{n}]:2526\n" for n in range(1, 51))

    @staticmethod
    def tls_settings(certificate):
        if not certificate:
            return "smtp_tls_security_level = none\nsmtpd_tls_security_level = none"
        return ("smtp_tls_security_level = encrypt\nsmtpd_tls_security_level = may\n"
                f"smtpd_tls_chain_files = {certificate.key}, {certificate.chain}")

    def _directory(self, name, mode, group):
        os.mkdir(f"{self.spool}/{name}")
        os.chown(f"{self.spool}/{name}", self.uid, group)
        os.chmod(f"{self.spool}/{name}", mode)

    @classmethod
    def make_user(cls, place):
        """Shows ourselves, and nobody else, an /etc/passwd with Postfix's user."""
        for name, lines in (
            ("passwd", f"postfix:x:{cls.uid}:{cls.gid}::/nonexistent:/bin/false\n"),
            ("group", f"postfix:x:{cls.gid}:\npostdrop:x:{cls.drop}:\n"),
        ):
            text = open(f"/etc/{name}").read()
            with open(f"{place}/{name}", "w") as file:
                file.write(text.rstrip("\n") + "\n" + lines)
            subprocess.run(["mount", "--bind", f"{place}/{name}", f"/etc/{name}"], check=True)

    def start(self):
        self.group.start([f"{self.root}/usr/lib/postfix/sbin/master", "-c", self.conf],
                         env=self.environment, stderr=open(f"{self.conf}/stderr", "w"))
        if not wait_for_port(self.port, 8):
            raise RuntimeError(open(f"{self.conf}/stderr").read() or "no answer")

    def end(self):
        self.group.end()

    def wipe(self):
        for name in ("hold", "deferred", "defer"):
            put_aside(f"{self.spool}/{name}")

    def forget(self):
        pass

    def state(self):
        return open(f"{self.conf}/stderr").read()[-2000:]

    def waiting(self, *queues):
        return sum(len(files) for name in queues or ("hold", "incoming", "active", "deferred", "maildrop")
                   for _, _, files in os.walk(f"{self.spool}/{name}"))

    def release(self):
        """Takes all messages off hold, untimed."""
        subprocess.run([f"{self.root}/usr/sbin/postsuper", "-c", self.conf, "-H", "ALL"],
                       env=self.environment, stderr=subprocess.DEVNULL, check=True)

    def deliver_all(self):
        """Delivers everything; gives wall and CPU seconds."""
        self.release()
        before, begun = self.group.cpu(), time.monotonic()
        subprocess.run([f"{self.root}/usr/sbin/postqueue", "-c", self.conf, "-f"], env=self.environment)
        while self.waiting("incoming", "active") and time.monotonic() < begun + 120:
            time.sleep(0.05)
        return time.monotonic() - begun, self.group.cpu() - before


def exim_version():
    text = subprocess.run([EXIM, "-bV"], capture_output=True, text=True).stdout
    found = re.search(r"Exim version (\S+)", text)
    return found[1] if found else "unknown"
