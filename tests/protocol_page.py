"""The table of the book's page on the protocol: all that can be computed of it, around the words that it holds.

``python tests/protocol_page.py`` renews it. The last column begins with what is kept of a row. What follows is prose:
it says what the book makes of the rest, and is written by hand.
"""

import functools
import re
from pathlib import Path

from bngd.networks import kept
from bngd.networks.protocol import ADAM, CIFAR10, ROWS

PAGE = Path(__file__).parents[1] / "book" / "protocol.md"
FACTS = re.compile(r"^(?:run in (?:full|part) \([^)]*\)(?:; |: )?)*(?:else )?")


def prose(text):
    """Script -> the words of its last column behind what is kept."""
    lines = re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", text, re.MULTILINE)
    return {name: FACTS.sub("", here) for name, here in lines}


def renewed(text):
    """The page with its table computed anew around its prose."""
    start, end = re.search(r"^\| script \|.*?(?=^```$)", text, re.MULTILINE | re.DOTALL).span()
    return text[:start] + table(prose(text)) + "\n" + text[end:]


def table(words):
    """The protocol and what became of it, one line a script."""
    lines = ["| script | network, data | method: rates, updates | runs | here |", "|---|---|---|---|---|"]
    for name, beginning in computed().items():
        lines.append(f"{beginning}{words.get(name, 'TO BE SAID')} |")
    lines += [f"| `{name}` | cifar, {CIFAR10} | Adam | | {words.get(name, 'TO BE SAID')} |" for name in ADAM]
    return "\n".join(lines)


@functools.cache
def computed():
    """Script -> its line up to the prose."""
    lines = {}
    for row in ROWS.values():
        names = ", ".join(dict.fromkeys(network.name.split(",")[0] for network in row.networks))
        options = [f"$\\varepsilon_a$ = {', '.join(f'{v:g}' for v in row.lr_as)}"] if row.lr_as else []
        options += [f"{len(row.scales)} scales"] if len(row.scales) > 1 else []
        options += [f"{len(row.gammas)} initial gammas"] if len(row.gammas) > 1 else []
        method = "; ".join([f"{row.method}: {row.grid}", f"{row.steps} updates", *options])
        cells = (f"`{row.name}`", f"{names}, {row.dataset}", method, len(row.jobs()), what_is_kept(row.name))
        lines[row.name] = "| " + " | ".join(map(str, cells))
    return lines


def what_is_kept(name):
    """The runs of a script that are kept, up to where the prose goes on."""
    whole = kept.rows(name)
    mine = [t for t in kept.rows(name, parts=True) if hidden(t) is None or hidden(t) in widths(name)]
    titles = [t for t in mine if t in whole or kept.whole(t) not in whole]
    told = "; ".join(f"run in {'full' if title in whole else 'part'} ({about(title)})" for title in titles)
    return told + (": " if in_full(name) else "; else ") * bool(told)


def in_full(name):
    """Whether every run of a script is kept, of m5 at every width, as one row or as several."""
    kept_widths = {hidden(title) for title in kept.rows(name)}
    return None in kept_widths or kept_widths >= widths(name)


def widths(name):
    """The hidden widths that a script of m5 has; of any other, its network's name."""
    return {network.name.rpartition(" = ")[2] for network in ROWS[name].networks}


def hidden(title):
    """The hidden width that the title of a part of a row names."""
    found = re.search(r"-h(\d+)", title)
    return found and found[1]


def about(title):
    """What a kept row is, beyond its script, from its title."""
    words = [kept.provenance(title)["summary"]]
    words += [f"$h$ = {hidden(title)}"] if hidden(title) else []
    if data := title.partition("-on-")[2]:
        words.append("the authors' protocol, on " + re.split("-every-|-described|-[0-9]+-rep", data)[0])
    if every := re.search(r"-every-(\d+)", title):
        words.append(f"one rate in {every[1]}")
    if often := re.search(r"-(\d+)-repetitions", title):
        words.append(f"{often[1]} repetition{'s' * (often[1] != '1')}")
    return ", ".join(words)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
