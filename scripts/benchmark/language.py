"""What is measured of the configuration language: loading, expansions, a large lsearch file, a DATA ACL."""
import os
import shutil

from parts import middle, ratio, receive_once, start, table, timed
from peers import EXIM, EximLike

PROGRAMS = os.environ.get("BOBBIN_PROGRAMS", "")
LOADERS = {"exim": [EXIM], "bobbin": [f"{PROGRAMS}/bobbin", "exim"]}

LISTS = 30
# What the ACLs of a busy server expand for each recipient.
TEMPLATES = [
    "${if match_domain{user@d@N@.example}{+local_domains}{local}{other}}",
    "${if match{mail.d@N@.example}{\\N^mail\\.([a-z0-9]+)\\.example$\\N}{$1}{none}}",
    "${lc:User.@N@@D.Example} ${local_part:user+tag@d@N@.example} ${domain:user@d@N@.example}",
    "${if and{{def:primary_hostname}{!eq{$sender_address}{}}{>{@N@}{5000}}}{yes}{no}}",
    "${extract{reason}{code=@N@ reason=\"too fast\" host=a.example}{$value}{-}}",
    "${map{a:b:c:d@N@}{<$item>}} ${listcount:a:b:c:@N@} ${reduce{1:2:@N@}{0}{${eval:$value+$item}}}",
    "${sg{a-@N@-b-@N@-c}{-}{+}} ${tr{abc}{a-c}{A-C}} ${substr{1}{4}{abcdef@N@}} ${length_5:@N@123456}",
    "${if inlist{@N@}{1 : 2 : 3 : 7777}{in}{out}} ${if isip4{192.0.2.@N@}{4}{no}} ${mask:10.11.12.13/20}",
    "${md5:user @N@} ${sha256:@N@} ${base64:text @N@} ${hash_8:text @N@}",
    "${acl{greet}{@N@}} ${if bool{${if ={@N@}{7}}}{seven}{other}} ${quote_local_part:a b @N@}",
]

MAIN = r"""
primary_hostname = bench.test
spool_directory = @SPOOL@
log_file_path = @SPOOL@/log/%slog
tls_advertise_hosts =
domainlist local_domains = one.example : *.two.example : d5.example
@LISTS@
begin acl
greet:
  accept message = hello $acl_arg1
@ACLS@
begin routers
@ROUTERS@
begin transports
out:
  driver = smtp
begin retry
*  *  F,2h,15m
"""

# Twenty conditions that a message passes at the end of its data.
DATA_ACL = r"""
  deny condition = ${if >{$message_size}{50M}}
  deny condition = ${if match{$h_subject:}{\N(?i)viagra|lottery|casino\N}}
  deny condition = ${if match{$h_from:}{\N@[0-9]+\.example\N}}
  deny condition = ${if !def:h_from: {yes}{no}}
  deny hosts = 192.0.2.0/24 : 198.51.100.0/24 : 203.0.113.7
  deny senders = *@spam.example : bad@*.example : nobody@nowhere.example
  deny sender_domains = spam.example : *.junk.example
  deny condition = ${if forany{<, $recipients}{match_domain{${domain:$item}}{gone.example}}}
  deny condition = ${if >{$recipients_count}{500}}
  deny condition = ${if >{$received_count}{40}}
  warn set acl_m0 = ${lc:$sender_address}
  warn set acl_m1 = ${sg{$acl_m0}{\N\+.*@\N}{@}}
  deny condition = ${if eq{$acl_m1}{robot@spam.example}}
  deny condition = ${if match{$sender_helo_name}{\N^[0-9.]+$\N}}
  deny condition = ${if and{{eq{$h_x-mailer:}{Bulk}}{!eq{$authenticated_id}{}}}}
  deny condition = ${if >{$max_received_linelength}{100000}}
  deny condition = ${if match{$h_content-type:}{\N(?i)name=.*\.(exe|scr|pif)\N}}
  deny authenticated = nobody
  deny !verify = header_syntax
  warn condition = ${if inlist{$sender_address_domain}{b.test : c.test}}
       set acl_m2 = known
  accept
"""


def language(options, places, servers):
    medium, place = list(places.items())[-1]
    folder = f"{place}/language"
    os.makedirs(f"{folder}/log")
    names = [name for name in LOADERS if name == "bobbin" or "exim" in options.peers]
    loading(folder, names, options)
    expansions(folder, names, options)
    large_file(folder, names, options)
    shutil.rmtree(folder)
    conditions(medium, place, servers, options)


def configuration(folder, lines=0):
    """Writes a configuration of about so many lines; gives its path."""
    # Exim has room for 32 named lists of a kind.
    items = [f" : a{n}.example : *.b{n}.example : ^c[0-9]{n}\\.example\\$" for n in range(lines // 5)]
    lists = "\n".join(f"domainlist d{n} = " + "\\\n".join(["d.example"] + items[n::LISTS]) for n in range(LISTS))
    acls = "\n".join(f"check{n}:\n  deny senders = a{n}@*.example\n       condition = ${{if eq{{$sender_address}}{{b{n}}}}}\n"
                     f"  accept domains = +d{n % LISTS}" for n in range(lines // 10))
    routers = "\n".join(f"r{n}:\n  driver = manualroute\n  domains = +d{n % LISTS}\n  route_data = ${{if eq{{$domain}}{{x{n}}}"
                        f"{{h{n}.example}}}}\n  transport = out" for n in range(lines // 13))
    path = f"{folder}/configuration{lines}"
    text = MAIN.replace("@SPOOL@", folder).replace("@LISTS@", lists).replace("@ACLS@", acls)
    with open(path, "w") as file:
        file.write(text.replace("@ROUTERS@", routers))
    os.chmod(path, 0o644)
    return path


def figures_of(names, options, command):
    """Wall, CPU and memory of each program, the median of interleaved runs."""
    found = {name: [] for name in names}
    for _ in range(options.repeat):
        for name in names:
            found[name].append(timed(command(LOADERS[name])))
    return {name: [middle([run[i] for run in runs]) for i in range(3)] for name, runs in found.items()}


def loading(folder, names, options):
    path = configuration(folder, options.configured)
    with open(path) as file:
        lines = sum(1 for _ in file)
    figures = figures_of(names, options, lambda program: program + ["-C", path, "-be", "$primary_hostname"])
    rows = [[name, f"{wall * 1000:.0f}", f"{cpu * 1000:.1f}", f"{memory / 1024:.1f}", ratio(figures["bobbin"][1], cpu)]
            for name, (wall, cpu, memory) in figures.items()]
    table(f"Loading a configuration of {lines} lines, median of {options.repeat}",
          ["", "wall ms", "CPU ms", "MiB", "bobbin's CPU is"], rows)


def expansions(folder, names, options):
    path, text = configuration(folder), f"{folder}/templates"
    with open(text, "w") as file:
        for number in range(options.expanded):
            file.write(TEMPLATES[number % len(TEMPLATES)].replace("@N@", str(number)) + "\n")
    figures = figures_of(names, options, lambda program: fed(program + ["-C", path, "-be"], text))
    rows = [[name, f"{options.expanded / wall:.0f}", f"{cpu / options.expanded * 1e6:.1f}", f"{memory / 1024:.1f}",
             ratio(figures["bobbin"][1], cpu)] for name, (wall, cpu, memory) in figures.items()]
    table(f"-be with {options.expanded} lines, median of {options.repeat}",
          ["", "lines/s", "CPU us a line", "MiB", "bobbin's CPU is"], rows)


def fed(command, text):
    return ["/bin/sh", "-c", 'input=$1; shift; exec "$@" <"$input"', "sh", text] + command


def large_file(folder, names, options):
    """Look-ups in one process; Exim reads the file from its beginning for each key."""
    path, data = configuration(folder), f"{folder}/large"
    with open(data, "w") as file:
        for number in range(options.entries):
            file.write(f"user{number}@example.org: target{number}@example.net\n")
    spread = max(options.entries // options.sought, 1)
    for title, keys in (("one key", [options.entries - 1]),
                        (f"{options.sought} keys", range(0, options.entries, spread))):
        text = f"{folder}/keys"
        with open(text, "w") as file:
            file.writelines(f"${{lookup{{user{key}@example.org}}lsearch{{{data}}}}}\n" for key in keys)
        figures = figures_of(names, options, lambda program: fed(program + ["-C", path, "-be"], text))
        rows = [[name, f"{wall * 1000:.0f}", f"{cpu * 1000:.0f}", f"{memory / 1024:.1f}", ratio(figures["bobbin"][1], cpu)]
                for name, (wall, cpu, memory) in figures.items()]
        table(f"lsearch in {options.entries} lines, {title}, median of {options.repeat}",
              ["", "wall ms", "CPU ms", "MiB", "bobbin's CPU is"], rows)


def conditions(medium, place, servers, options):
    """What twenty conditions at DATA add to a reception."""
    kinds = []
    for server, label, more in servers:
        if issubclass(server, EximLike) and label in ("exim", "bobbin"):
            kinds.append((server, label, more))
            kinds.append((type("Asked", (server,), {"data_acl": DATA_ACL}), f"{label}-asked", more))
    peers = start(kinds, place, options)
    figures = {peer.label: [] for peer in peers}
    for _ in range(options.repeat):
        for peer in peers:
            figures[peer.label].append(receive_once(peer, 10240, 10, options)[1])
    for peer in peers:
        peer.end()
    cost = {label: middle(all_figures) for label, all_figures in figures.items()}
    added = {name: cost[f"{name}-asked"] - cost[name] for name in ("exim", "bobbin") if f"{name}-asked" in cost}
    rows = [[name, f"{cost[name]:.0f}", f"{cost[f'{name}-asked']:.0f}", f"{extra:.0f}", ratio(added["bobbin"], extra)]
            for name, extra in added.items()]
    table(f"A DATA ACL with twenty conditions, {medium}, 10240 octets, 10 connections, {options.messages} messages, "
          f"median of {options.repeat}",
          ["", "CPU us/message without", "with", "added", "bobbin adds"], rows)
