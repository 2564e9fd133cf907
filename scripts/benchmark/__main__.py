"""Measures Bobbin against the installed Exim, and Postfix, on the same work in one interleaved run."""
import argparse
import os
import shutil
import sys
import tempfile

import hints
import language
import parts
import tls
from measure import Group, raise_loopback
from peers import EXIM, Bobbin, Exim, Postfix, exim_version

PARTS = {"reception": parts.reception, "calls": parts.calls, "idle": parts.idle, "delivery": parts.delivery,
         "listing": parts.listing, "hints": hints.hints, "writers": hints.writers, "history": hints.history,
         "language": language.language, "tls": tls.tls}


def destinations(text):
    number, _, dead = text.partition(":")
    return int(number), int(dead or 0)


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], help="what to measure; nothing is everything")
    parser.add_argument("--size", type=int, nargs="+", default=[10240], help="octets of a message")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--messages", type=int, default=1000, help="received in one measurement")
    parser.add_argument("--one-per-connection", action="store_true")
    parser.add_argument("--medium", nargs="+", choices=["disk", "tmpfs"], default=["disk", "tmpfs"])
    parser.add_argument("--disk", default="/var/tmp", help="a directory on the disk to measure")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--sessions", type=int, nargs="+", default=[200, 10_000], help="idle sessions")
    parser.add_argument("--queued", type=int, default=2000, help="messages of a queue run")
    parser.add_argument("--hosts", type=destinations, nargs="+", default=[(1, 0), (50, 0), (50, 10)],
                        metavar="N[:DEAD]", help="destinations of a queue run, and how many of them are dead")
    parser.add_argument("--listed", type=int, default=50_000)
    parser.add_argument("--records", type=int, nargs="+", default=[100_000], help="records of a hints database")
    parser.add_argument("--history", type=int, default=50_000, help="records of a history file")
    parser.add_argument("--history-beside", type=int, default=2_000,
                        help="records that opendmarc-import takes into MariaDB; 0 for none")
    parser.add_argument("--configured", type=int, default=5_000, help="lines of a configuration, about")
    parser.add_argument("--expanded", type=int, default=10_000, help="lines for -be")
    parser.add_argument("--entries", type=int, default=1_000_000, help="lines of an lsearch file")
    parser.add_argument("--sought", type=int, default=100, help="keys that are sought in it")
    parser.add_argument("--secured", type=int, default=300, help="sessions, and messages of a queue run, under TLS")
    parser.add_argument("--names", type=int, default=8, help="how many system calls are named")
    parser.add_argument("--peers", nargs="*", choices=["exim", "postfix"], default=["exim", "postfix"])
    parser.add_argument("--with", dest="more", default=None, metavar="SETTINGS",
                        help="a second Bobbin beside the first, with these lines in its configuration")
    return parser.parse_args()


def servers(options, place):
    found = []
    if "exim" in options.peers:
        if os.path.exists(EXIM):
            found.append((Exim, "exim", None))
        else:
            print("No Exim is installed: not measured.")
    if "postfix" in options.peers:
        if os.geteuid() == 0 and os.environ.get("BENCH_INSIDE") and os.path.exists(f"{Postfix.root}/usr/sbin/postsuper"):
            Postfix.make_user(place)
            found.append((Postfix, "postfix", None))
        else:
            print("Postfix needs root and its unpacked package: not measured.")
    found.append((Bobbin, "bobbin", None))
    if options.more is not None:
        found.append((Bobbin, "bobbin-with", options.more.replace("\\n", "\n")))
    return found


def main():
    options = arguments()
    if os.environ.get("BENCH_INSIDE"):
        raise_loopback()
    made = []
    places = {}
    try:
        for medium in options.medium:
            parent = options.disk if medium == "disk" else "/dev/shm"
            places[medium] = tempfile.mkdtemp(prefix="bobbin-bench.", dir=parent)
            made.append(places[medium])
            os.chmod(places[medium], 0o755)
        peers = servers(options, made[0])
        print(f"Exim {exim_version() if os.path.exists(EXIM) else '-'}; {os.cpu_count()} cores, load "
              f"{os.getloadavg()[0]:.1f}. CPU is that of the whole server, ended children too. "
              "Read ratios, not rates.")
        for part in options.part or PARTS:
            PARTS[part](options, places, peers)
    finally:
        # A part that fails has not ended its servers.
        for group in list(Group.made):
            group.end()
        for place in made:
            shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
