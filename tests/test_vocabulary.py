"""One word for one thing: what readers see uses none of the words that were given up."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GIVEN_UP = {
    "step size": r"[Ll]earning rate",
    "normalization": r"[Nn]ormalis(?:ation|e\b|ed\b|es\b)",
    r"$w^\top$": r"\$[^$\n]*\b[uvwx](?:_[0k])?'[gHuwM][^$\n]*\$",
}
QUOTED = (  # the paper's words, and names
    "Robustness to the learning rate",
    "*learning rate*, the paper's word",
    "\nlearning rate\n",  # where the glossary is searched for it
    "network-normalised-is-centred",
)


def prose(path):
    """Return what a reader sees of a source: text and code of a notebook, else the file."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        text = "".join("".join(cell["source"]) + "\n" for cell in json.loads(text)["cells"])
    for quote in QUOTED:
        text = text.replace(quote, "")
    return text


@pytest.mark.parametrize("word", GIVEN_UP)
@pytest.mark.parametrize("kind", ["book/**/*.md", "book/**/*.js", "notebooks/*.ipynb", "bngd/studies/**/*.py"])
def test_words_that_were_given_up_are_gone(kind, word):
    found = {
        path.name: hits for path in ROOT.glob(kind) if (hits := re.findall(GIVEN_UP[word], code_aside(path, word)))
    }
    assert not found, f"the book says {word!r}"


def code_aside(path, word):
    # In code `normalised` is a field of networks; it names their kept runs.
    return re.sub(r"\bnormalised\b", "", prose(path)) if path.suffix == ".py" else prose(path)
