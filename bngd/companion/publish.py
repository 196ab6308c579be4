"""What a published book has and a book on a disk has not: launch links, a card for who shares it, a sitemap.

It hangs on two addresses, of the repository and of the book: ``bngd_repository`` and ``bngd_address`` in the book's
configuration, by default the environment's ``BNGD_REPOSITORY`` and ``BNGD_ADDRESS``. No address, no links.
"""

import io
import os
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import nbformat
from nbformat.v4 import new_code_cell
from sphinx.application import Sphinx

from bngd.files import write_bytes, write_text

_BINDER = "https://mybinder.org/v2/gh/{owner}/HEAD?labpath={notebook}"
_COLAB = "https://colab.research.google.com/github/{owner}/blob/gh-pages/_notebooks/{name}"
CARD_FIGURE = "robustness_learning_rate-loss-against-lr.png"
CARD_SIZE = (1200, 630)
_INSTALL = """\
try:
    import bngd
except ImportError:  # as on Colab
    %pip install --quiet "bngd[notebooks,networks] @ git+{repository}"
"""


def launch_links(repository: str, page: str) -> str:
    """Return the line below a notebook's title that runs it elsewhere; nothing without a repository on GitHub."""
    if not page.startswith("notebooks/") or urlsplit(repository).hostname != "github.com":
        return ""
    owner, name = urlsplit(repository).path.strip("/").removesuffix(".git"), f"{page.removeprefix('notebooks/')}.ipynb"
    binder = _BINDER.format(owner=owner, notebook=quote(f"{page}.ipynb", safe=""))
    links = [f'<a href="{binder}">Binder</a>', f'<a href="{_COLAB.format(owner=owner, name=name)}">Colab</a>']
    return f'<p class="launch">Run it on {" or ".join(links)}, without installing anything.</p>'


def _with_installation(notebook: str, repository: str) -> str:
    """Return a notebook that begins by installing bngd where it is missing; as it is without a repository."""
    if not repository:
        return notebook
    read = nbformat.reads(notebook, as_version=4)
    read.cells.insert(0, new_code_cell(_INSTALL.format(repository=repository), id="install-bngd"))
    return nbformat.writes(read) + "\n"


def card(figure: Path, title: str) -> bytes:
    """Return the picture, as PNG, that others show beside a link to the book: its title above one of its figures."""
    from PIL import Image, ImageDraw, ImageFont

    sheet = Image.new("RGB", CARD_SIZE, "white")
    with Image.open(figure) as opened:
        drawn = opened.convert("RGB")
    drawn.thumbnail((CARD_SIZE[0] - 80, CARD_SIZE[1] - 140))
    sheet.paste(drawn, ((CARD_SIZE[0] - drawn.width) // 2, 110))
    ImageDraw.Draw(sheet).text((40, 36), title, fill="#222222", font=ImageFont.load_default(size=29))
    png = io.BytesIO()
    sheet.save(png, "PNG")
    return png.getvalue()


def _decorate(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    address = app.config.bngd_address
    title = escape(app.config.html_title)
    tags = {"og:type": "website", "og:site_name": title, "og:title": escape(context.get("title") or title)}
    if address:
        tags |= {"og:url": f"{address}{page}.html", "og:image": f"{address}_static/card.png"}
        tags |= {"twitter:card": "summary_large_image"}
    metatags = "".join(f'<meta property="{name}" content="{text}" />\n' for name, text in tags.items())
    context["metatags"] = context.get("metatags", "") + metatags
    if links := launch_links(app.config.bngd_repository, page):
        context["body"] = context["body"].replace("</h1>", f"</h1>\n{links}", 1)


def _finish(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.name != "html":
        return
    figure = (Path(app.srcdir) / app.config.bngd_build).resolve() / "figures" / CARD_FIGURE
    if figure.is_file():
        write_bytes(Path(app.outdir) / "_static" / "card.png", card(figure, str(app.config.html_title)))
    for notebook in (Path(app.outdir) / "_notebooks").glob("*.ipynb"):
        write_text(notebook, _with_installation(notebook.read_text(encoding="utf-8"), app.config.bngd_repository))
    if address := app.config.bngd_address:
        pages = "".join(
            f"  <url><loc>{escape(f'{address}{page}.html')}</loc></url>\n" for page in sorted(app.env.found_docs)
        )
        space = "http://www.sitemaps.org/schemas/sitemap/0.9"
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{space}">\n{pages}</urlset>\n'
        write_text(Path(app.outdir) / "sitemap.xml", text)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; both addresses are empty by default, and that of the book ends in a slash."""
    app.setup_extension("bngd.companion.sphinx_ext")
    for name in ("repository", "address"):
        app.add_config_value(f"bngd_{name}", os.environ.get(f"BNGD_{name.upper()}", ""), "html")
    app.connect("html-page-context", _decorate)
    app.connect("build-finished", _finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
