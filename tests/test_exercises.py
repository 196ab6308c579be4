"""The exercises: enough of them, each with a solution, and the code of each prints what the page says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "book" / "exercises"
PAGES = {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.md"))}
LABELS = re.compile(r"\{exercise\}.*\n:label: (\S+)")
SOLUTIONS = re.compile(r"^`{5}\{solution\} (\S+)\n:class: dropdown\n(.*?)^`{5}$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", re.DOTALL)


def programs(text):
    """Label, code and printed output of every solution that has code."""
    return [(label, *code) for label, body in SOLUTIONS.findall(text) for code in CODE.findall(body)]


def printed(code):
    """What a program prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "exercise", "exec"), {})
    return out.getvalue()


def test_there_are_three_or_more_a_chapter_and_24_in_all():
    counts = {page: len(LABELS.findall(text)) for page, text in PAGES.items()}
    assert sum(counts.values()) >= 24
    assert {page: count for page, count in counts.items() if count < 3} == {}


@pytest.mark.parametrize("page", PAGES)
def test_every_exercise_has_a_hidden_solution(page):
    assert [label for label, _ in SOLUTIONS.findall(PAGES[page])] == LABELS.findall(PAGES[page])


@pytest.mark.parametrize("page", PAGES)
def test_every_program_is_the_solution_of_an_exercise(page):
    assert len(programs(PAGES[page])) == PAGES[page].count("```python")


@pytest.mark.parametrize("page", PAGES)
def test_every_chapter_shows_its_exercises(page):
    assert f"{{include}} exercises/{page}.md" in (FOLDER.parent / f"{page}.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("code", "output"),
    [pytest.param(code, output, id=label) for text in PAGES.values() for label, code, output in programs(text)],
)
def test_a_solution_prints_what_the_page_says(code, output):
    assert output
    assert printed(code) == output
