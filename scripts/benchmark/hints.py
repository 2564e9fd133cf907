"""What is measured of the tools for hints and DMARC history: dump and tidy, sixteen writers, import."""
import os
import random
import shutil
import struct
import subprocess
import time

from measure import Group
from parts import middle, ratio, table, timed

PROGRAMS = os.environ.get("BOBBIN_PROGRAMS", "")
BOBBIN = f"{PROGRAMS}/bobbin"
OPENDMARC = os.environ.get("BENCH_OPENDMARC", "")
STALE = 40 * 86400
FILLER = """
import dbm.ndbm, sys
with dbm.ndbm.open(sys.argv[1], 'n') as base:
    for line in sys.stdin:
        key, value = line.split()
        base[bytes.fromhex(key)] = bytes.fromhex(value)
"""


def hints(options, places, servers):
    """exim_dumpdb and exim_tidydb on Berkeley DB; the same records in SQLite for Bobbin."""
    medium, place = list(places.items())[0]
    for count in options.records:
        folder = f"{place}/hints{count}"
        theirs, ours = f"{folder}/exim", f"{folder}/bobbin"
        make(theirs, ours, count)
        sizes = [os.path.getsize(f"{spool}/db/retry") for spool in (theirs, ours)]
        figures = {what: {"exim": [], "bobbin": []} for what in ("dump", "tidy (half is deleted)", "tidy again")}
        for _ in range(options.repeat):
            for name, spool in (("exim", theirs), ("bobbin", ours)):
                figures["dump"][name].append(timed(command(name, "dump", spool)))
                copy = f"{folder}/copy"
                shutil.copytree(spool, copy)
                figures["tidy (half is deleted)"][name].append(timed(command(name, "tidy", copy)))
                figures["tidy again"][name].append(timed(command(name, "tidy", copy)))
                if name == "bobbin":
                    after = os.path.getsize(f"{copy}/db/retry")
                os.rename(copy, f"{folder}/used{time.monotonic_ns()}")
        for what, both in figures.items():
            report(f"{what}: {count} retry records, {medium}, median of {options.repeat}", both)
        print(f"  files: Berkeley DB {sizes[0]} octets, before and after; SQLite {sizes[1]}, {after} after --vacuum")
        shutil.rmtree(folder)


def command(name, what, spool):
    if name == "exim":
        return [f"/usr/sbin/exim_{what}db", spool, "retry"]
    if what == "dump":
        return [BOBBIN, "exim_dumpdb", spool, "retry"]
    return [BOBBIN, "hints", "tidy", "--spool", spool, "--vacuum", "retry"]


def report(title, figures):
    mine = [middle([f[i] for f in figures["bobbin"]]) for i in range(3)]
    rows = []
    for name, all_figures in figures.items():
        wall, cpu, memory = (middle([f[i] for f in all_figures]) for i in range(3))
        rows.append([name, f"{wall * 1000:.0f}", f"{cpu * 1000:.0f}", f"{memory / 1024:.1f}", ratio(mine[0], wall),
                     ratio(mine[1], cpu), ratio(mine[2], memory)])
    table(title, ["", "wall ms", "CPU ms", "MiB", "bobbin's wall is", "CPU", "memory"], rows)


def make(theirs, ours, count):
    """The records, half of them stale, as a file of Berkeley DB and one of SQLite."""
    import sqlite3
    for spool in (theirs, ours):
        os.makedirs(f"{spool}/db")
        os.makedirs(f"{spool}/input")
    base = sqlite3.connect(f"{ours}/db/retry", isolation_level=None)
    base.execute("CREATE TABLE tblblob (ky BLOB PRIMARY KEY, dat BLOB)")
    base.execute("BEGIN")
    # Debian's Python makes Berkeley DB's hash files, as Debian's Exim does; another Python may not.
    filler = subprocess.Popen(["/usr/bin/python3", "-c", FILLER, f"{theirs}/db/retry"], stdin=subprocess.PIPE)
    with filler.stdin as other:
        for key, record in records(count):
            other.write(key.encode().hex().encode() + b"00 " + record.hex().encode() + b"\n")
            base.execute("INSERT INTO tblblob VALUES (?, ?)", (key.encode() + b"\0", record))
    if filler.wait():
        raise SystemExit("Debian's python3 cannot make a Berkeley DB file")
    base.execute("COMMIT")
    base.close()
    os.rename(f"{theirs}/db/retry.db", f"{theirs}/db/retry")
    open(f"{theirs}/db/retry.lockfile", "w").close()


def records(count):
    now = int(time.time())
    for number in range(count):
        written = now - (3600 + number % 80000 if number & 1 else STALE)
        key = f"T:host{number}.example:192.0.{number >> 8 & 255}.{number & 255}"
        yield key, struct.pack("<qqqqIii", written, written - 7200, written, now + 900, 0, 110, 77) + \
            b"Connection timed out" + bytes(4)


def writers(options, places, servers):
    """Sixteen processes at once take records into one database; each waits for the others."""
    medium, place = list(places.items())[0]
    spool, count, each = f"{place}/writers", 16, 500
    os.makedirs(f"{spool}/db")
    for writer in range(count):
        with open(f"{spool}/text{writer}", "w") as text:
            for number in range(each):
                text.write(f"  R:u{number}@w{writer}.example 111 65 Connection refused\n"
                           "21-Nov-2026 07:15:04  21-Nov-2026 07:15:05  21-Nov-2026 07:30:04 \n")
    begun = time.monotonic()
    running = [subprocess.Popen([BOBBIN, "hints", "import", "--spool", spool, "--text", f"{spool}/text{writer}", "retry"],
                                stdout=subprocess.DEVNULL) for writer in range(count)]
    failed = sum(process.wait() != 0 for process in running)
    wall = time.monotonic() - begun
    listed = subprocess.run([BOBBIN, "hints", "list", "--spool", spool], capture_output=True, text=True).stdout
    table(f"{count} processes write {each} retry records each, {medium}",
          ["wall s", "records/s", "gave up", "the file holds"],
          [[f"{wall:.2f}", f"{count * each / wall:.0f}", failed, " ".join(listed.split()[1:3])]])
    shutil.rmtree(spool)


def history(options, places, servers):
    """Import of a history file into SQLite, and by opendmarc-import into MariaDB."""
    medium, place = list(places.items())[0]
    folder = f"{place}/history"
    os.makedirs(folder)
    write_history(f"{folder}/history", options.history)
    figures = []
    for turn in range(options.repeat):
        figures.append(timed([BOBBIN, "dmarc", "import", "--settle", "0", "--database", f"{folder}/store{turn}",
                              f"{folder}/history"]))
    again = timed([BOBBIN, "dmarc", "import", "--settle", "0", "--from-start", "--database", f"{folder}/store0",
                   f"{folder}/history"])
    rows = []
    for name, (wall, cpu, memory) in (("into an empty store", [middle([f[i] for f in figures]) for i in range(3)]),
                                      ("the same once more", again)):
        rows.append([name, f"{options.history / wall:.0f}", f"{cpu / options.history * 1e6:.0f}", f"{memory / 1024:.0f}"])
    table(f"Import of {options.history} history records ({os.path.getsize(f'{folder}/history') >> 20} MiB), {medium}, "
          f"median of {options.repeat}", ["", "records/s", "CPU us a record", "MiB"], rows)
    if options.history_beside:
        beside(folder, options.history_beside, medium)
    shutil.rmtree(folder)


def beside(folder, count, medium):
    """opendmarc-import takes some of such records in the same run; ours takes the same file."""
    if not os.access(f"{OPENDMARC}/usr/sbin/mariadbd", os.X_OK):
        print("opendmarc-import and MariaDB are not unpacked (scripts/setup --bench): not measured.")
        return
    write_history(f"{folder}/few", count)
    server = MariaDB(folder)
    try:
        script, database = server.importing(f"{folder}/few")
        ours = timed([BOBBIN, "dmarc", "import", "--settle", "0", "--database", f"{folder}/few.store", f"{folder}/few"])
        rows = [["opendmarc-import", f"{count / script[0]:.0f}", f"{(script[1] + database) / count * 1e6:.0f}",
                 server.rows(), ratio(ours[0], script[0])],
                ["bobbin", f"{count / ours[0]:.0f}", f"{ours[1] / count * 1e6:.0f}", count, ratio(ours[0], ours[0])]]
        table(f"The same beside opendmarc-import and MariaDB, {count} records, {medium}",
              ["", "records/s", "CPU us a record", "records", "bobbin takes of its time"], rows)
    finally:
        server.end()


class MariaDB:
    """A server of its own, with its defaults for durability, and OpenDMARC's tables in it."""

    def __init__(self, folder):
        self.folder = f"{folder}/mariadb"
        self.socket = f"{self.folder}/socket"
        os.makedirs(self.folder)
        libraries = subprocess.run(["dpkg-architecture", "-qDEB_HOST_MULTIARCH"], capture_output=True, text=True)
        triplet = libraries.stdout.strip() or "x86_64-linux-gnu"
        self.environment = dict(
            os.environ, LD_LIBRARY_PATH=f"{OPENDMARC}/usr/lib/{triplet}", MYSQL_UNIX_PORT=self.socket, LC_ALL="C",
            PERL5LIB=f"{OPENDMARC}/usr/lib/{triplet}/perl5/5.36:{OPENDMARC}/usr/share/perl5")
        common = [f"--basedir={OPENDMARC}/usr", f"--datadir={self.folder}/data", "--user=root"]
        self.call(["/bin/sh", f"{OPENDMARC}/usr/bin/mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal",
                   *common])
        self.group = Group("mariadb")
        self.group.start([f"{OPENDMARC}/usr/sbin/mariadbd", "--no-defaults", *common, f"--socket={self.socket}",
                          "--skip-networking", f"--pid-file={self.folder}/pid",
                          f"--plugin-dir={OPENDMARC}/usr/lib/mysql/plugin"], env=self.environment)
        limit = time.monotonic() + 60
        while not os.path.exists(self.socket):
            if time.monotonic() > limit:
                raise SystemExit(f"MariaDB did not start: see {self.folder}")
            time.sleep(0.1)
        self.ask("CREATE DATABASE opendmarc; CREATE USER opendmarc@localhost IDENTIFIED BY 'opendmarc';"
                 "GRANT ALL ON opendmarc.* TO opendmarc@localhost")
        with open(f"{OPENDMARC}/usr/share/dbconfig-common/data/opendmarc/install/mysql") as schema:
            self.ask(schema.read(), "opendmarc")

    def call(self, command, **options):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, **options)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stdout[-500:]}{done.stderr[-500:]}")
        return done.stdout

    def ask(self, text, *database):
        return self.call([f"{OPENDMARC}/usr/bin/mariadb", "--no-defaults", "-u", "root", "-N", *database], input=text)

    def importing(self, path):
        """What the script took (wall and CPU seconds, memory), and the CPU seconds of the server meanwhile."""
        before = self.group.cpu()
        script = timed(["/usr/bin/perl", f"{OPENDMARC}/usr/sbin/opendmarc-import", f"--input={path}"], env=self.environment)
        return script, self.group.cpu() - before

    def rows(self):
        return int(self.ask("SELECT count(*) FROM messages", "opendmarc"))

    def end(self):
        self.group.end()


def write_history(path, count):
    chance = random.Random(7)
    with open(path, "w") as file:
        for number in range(count):
            domain, address = int(chance.paretovariate(1.1)) % 3000, chance.randrange(20000)
            lines = [f"job 1v{number:06x}-{number % 90000:05d}", "reporter mx.bench.test",
                     f"received {1760000000 + number}", f"ipaddr 192.0.{address >> 8}.{address & 255}",
                     f"from d{domain}.example", f"mfrom b.d{domain}.example"]
            for signature in range(chance.choice((0, 1, 1, 1, 2))):
                signer = domain if signature == 0 else 5000 + domain % 40
                lines.append(f"dkim d{signer}.example sel{domain % 3} {chance.choice((0, 0, 0, 4))}")
            lines += [f"spf {chance.choice((0, 0, 2))}", f"pdomain d{domain}.example", "policy 15",
                      f"rua mailto:dmarc@d{domain}.example", "pct 100", "adkim 114", "aspf 114", "p 110", "sp 0",
                      f"align_dkim {chance.choice((4, 5))}", f"align_spf {chance.choice((4, 5))}", "arc 7",
                      "arc_policy 2 json:[]", "action 2"]
            file.write("\n".join(lines) + "\n")
