"""What keeps a page from being read by everyone, mended as the page is written: the theme's part of it, and MyST-NB's.

Each mend names what it is for, by the rule of axe-core that finds it. The tests run axe over some pages, and over all
of them with ``BNGD_AXE_ALL``, so that a mend which its theme no longer needs, or no longer lets happen, is noticed.
"""

import re
from html import unescape
from pathlib import Path
from typing import Any

from sphinx.jinja2glue import BuiltinTemplateLoader

from bngd.companion.themed import choose

_CHAPTER_THAT_FOLDS = re.compile(
    r'(<a class="(?:current )?reference internal" href="[^"]*">([^<]*)</a><details[^>]*>)<summary>'
)
_LISTED = r'<a class="(?:current )?reference internal(?: nav-link)?'
_LOGO = re.compile(r'<a class="navbar-brand logo".*?</a>', re.DOTALL)

_SEARCH = "".join(
    rf'<script src="[^"]*{name}\.js"></script>\s*' for name in ("searchtools", "language_data", "searchindex")
)
"""As pages in general have it; the search page has it elsewhere."""

_SCHEME = (
    '{light: "light", dark: "dark"}[localStorage.getItem("mode")] || '
    '(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")'
)
"""What the reader chose, or else the system."""

_MENDS: tuple[tuple[re.Pattern[str], str], ...] = (
    # None of axe's: 1.5 MB of script for a dozen icons, which the style sheet draws as well (pydata-sphinx-theme).
    (re.compile(r'<script [^>]*src="[^"]*/fontawesome\.js[^"]*"></script>'), ""),
    # None of axe's: a fifth of a megabyte for a search as one types, which only the search page has here (the same).
    (re.compile(rf'(docsearch:version"[^>]*>\s*){_SEARCH}'), r"\1"),
    # None of axe's: until a script at the page's end has asked for the system's scheme, both forms of each figure would
    # be shown, and loaded (the same).
    (re.compile(r'dataset\.theme = localStorage\.getItem\("theme"\) \|\| "auto"'), f"dataset.theme = {_SCHEME}"),
    # label-content-name-mismatch: a fixed name hides what the fold says, "Show the code" (myst-nb).
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    # label-content-name-mismatch: the button reads "Search Ctrl+K", and its name lacks the key (pydata-sphinx-theme).
    (re.compile(r'(<button class="btn search-button-field[^>]*?) aria-label="[^"]*"'), r"\1"),
    # label-content-name-mismatch: icons become pictures with titles, which the button's name leaves out (the same).
    (re.compile(r'(<i class="theme-switch [^>]*?data-mode="\w+")\s+title="[^"]*"'), r'\1 aria-hidden="true"'),
    # region: the logo stands outside of all landmarks (the same).
    (_LOGO, r'<nav aria-label="First page">\g<0></nav>'),
    # aria-allowed-role, aria-deprecated-role, aria-required-children: roles that docutils gives a list of references.
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
    (re.compile(r'(<div class="citation"[^>]*?) role="doc-biblioentry"'), r"\1"),
    (re.compile(r'<a role="doc-backlink"'), "<a"),
    # Not axe's: a section 2.5 beside a theorem 2.5 gets the sign of a section (the theme has a suffix only).
    (re.compile(r'(<span class="section-number">)(\d+\.\d[\d.]*)\. '), "\\1§\N{NO-BREAK SPACE}\\2 "),
    (re.compile(rf'({_LISTED}" href="[^"]*">)(\d+\.\d[\d.]*)\. '), "\\1§\N{NO-BREAK SPACE}\\2 "),
    # empty-table-header: the corner of a table, above the names of its rows, heads nothing (pandas).
    (re.compile(r"<th[^>]*>\s*(?:<p></p>)?\s*</th>"), "<td></td>"),
)


def _mend(page: str) -> str:
    """Return a page with what axe-core finds in the theme's markup put right."""
    page = _CHAPTER_THAT_FOLDS.sub(_named, page)
    for wrong, right in _MENDS:
        page = wrong.sub(right, page)
    return page


def _named(chapter: re.Match[str]) -> str:
    # summary-name: the fold of a chapter's sections is an arrow without a name (pydata-sphinx-theme).
    name = unescape(chapter[2]).strip().replace('"', "&quot;")
    return f'{chapter[1]}<summary aria-label="Sections of {name}">'


class AccessibleTemplates(BuiltinTemplateLoader):
    """Sphinx's templates, mended: ``template_bridge`` in the book's configuration."""

    def init(self, builder: Any, theme: Any = None, dirs: Any = None) -> None:
        """Note, besides what Sphinx's own loader does, which figures have a form for phones."""
        super().init(builder, theme, dirs)
        figures = Path(builder.outdir) / "_figures"
        self.narrow = {path.name.removesuffix(".narrow.svg") for path in figures.glob("*.narrow.svg")}

    def render(self, template: str, context: dict[str, Any]) -> str:  # type: ignore[override]
        """Render a template, mend the page, and let it show figures in the form that fits."""
        return choose(_mend(super().render(template, context)), self.narrow)
