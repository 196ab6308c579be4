import ast
import re
import subprocess
import sys

import pytest
from companion_project import REPOSITORY

import bngd

FILES = sorted((REPOSITORY / "bngd").rglob("*.py"))
LARGEST_FILE = 300  # lines
NEEDED_BY = {"distributed": "cluster", "jax": "networks", "pooch": "networks"}


def layers():
    """The order of imports as CONTRIBUTING states it: prefixes of paths, from top to bottom and from left to right."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text()
    lines = re.findall(r"^    (bngd/[^\s,]+(?:, [^\s,]+)*)", text, re.MULTILINE)
    return [f"bngd/{name.removeprefix('bngd/')}" for line in lines for name in line.split(", ")]


def layer_of(path):
    """The number of a file's layer, from the top; a notebook's folder stands for all of them."""
    names = [layer.replace("<notebook>/", "") for layer in layers()]
    fitting = [(len(name), -number) for number, name in enumerate(names) if path.startswith(name)]
    return -max(fitting)[1] if fitting else None


def imports(path):
    """The files of the package that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        else:
            continue
        for name in names:
            stem = name.replace(".", "/")
            yield from (f for f in (f"{stem}.py", f"{stem}/__init__.py") if (REPOSITORY / f).is_file())


def test_every_file_has_its_place_in_the_order_of_imports():
    placed = [path.relative_to(REPOSITORY).as_posix() for path in FILES]
    assert [path for path in placed if layer_of(path) is None] == ["bngd/__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_imports_run_downwards(path):
    own = path.relative_to(REPOSITORY).as_posix()
    for imported in imports(path):
        place = layer_of(imported)
        if place is None or own == "bngd/__init__.py":
            continue
        assert layer_of(own) <= place, f"{own} imports {imported}, which stands above it in CONTRIBUTING"
        if "bngd/studies/" in imported and not imported.startswith("bngd/studies/shared/"):
            assert imported.split("/")[2] == own.split("/")[2], f"{own} imports another notebook's {imported}"


def test_no_import_leads_back_to_where_it_began():
    graph = {
        path.relative_to(REPOSITORY).as_posix(): set(imports(path)) for path in FILES if path.name != "__init__.py"
    }
    while graph:
        free = [name for name, needs in graph.items() if not needs & graph.keys()]
        assert free, f"these import each other in a circle: {sorted(graph)}"
        for name in free:
            del graph[name]


def test_files_stay_small_and_everything_public_is_documented():
    for path in FILES:
        text = path.read_text()
        assert len(text.splitlines()) <= LARGEST_FILE, f"{path} is too long: cut it in two"
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name} has no docstring"


def test_every_name_of_the_face_is_there_and_a_misspelt_one_is_recognised():
    assert set(bngd.__all__) <= set(dir(bngd))
    for name in bngd.__all__:
        assert getattr(bngd, name).__doc__, name
    wrong = subprocess.run(
        [sys.executable, "-c", "import bngd; bngd.effective_condition_numbr"], capture_output=True, text=True
    )
    assert "Did you mean: 'effective_condition_number'?" in wrong.stderr


def test_importing_needs_no_more_than_the_package_asks_for():
    project = (REPOSITORY / "pyproject.toml").read_text()
    [asked] = re.findall(r"^dependencies = \[(.*)\]", project, re.MULTILINE)
    known = {"sklearn": "scikit-learn"}
    for path in FILES:
        if path.relative_to(REPOSITORY).parts[1] in ("companion", "studies", "networks"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for name in {name.split(".")[0] for name in names} - {"bngd", *sys.stdlib_module_names}:
                extra = re.search(rf"^{NEEDED_BY.get(name)} = .*\"{name}\"", project, re.MULTILINE)
                assert f'"{known.get(name, name)}"' in asked or extra, f"{path} needs {name}"


def taken(path):
    """What a text takes from the package: names by the module that they are imported from, and all that it reaches.

    Reached is what stands after a dot, or alone in quotes: ``study.tent``, ``setattr(kept, "FOLDER", folder)``.
    """
    text, imported = path.read_text("utf-8"), {}
    for module, names in re.findall(r"\bfrom (bngd[\w.]*) import (\([^)]*\)|.*)", text):
        imported.setdefault(module, set()).update(re.findall(r"\w+", names))
    for parent, name in re.findall(r"\bimport (bngd[\w.]*)\.(\w+)", text):
        imported.setdefault(parent, set()).add(name)
    return imported, set(re.findall(r"(?<=\.)[A-Za-z]\w*|(?<=[\"'])[A-Za-z]\w*(?=[\"'])", text))


def named(target):
    """The names that an assignment gives."""
    return [part.id for part in ast.walk(target) if isinstance(part, ast.Name)]


def given_back(node):
    """What a public function says that it returns: a reader meets that type, wherever it is named."""
    public = isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    return ast.unparse(node.returns) if public and node.returns else ""


def test_what_only_its_own_file_uses_begins_with_an_underscore():
    readers = [path for folder in ("tests", "trust", "benchmarks") for path in (REPOSITORY / folder).glob("*.py")]
    prose = [REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "book").rglob("*.md")]
    texts = {path: taken(path) for path in [*FILES, *readers, *(REPOSITORY / "notebooks").glob("*.ipynb"), *prose]}
    extensions = (REPOSITORY / "book" / "_config.yml").read_text()
    lonely = []
    for path in FILES:
        module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        parent, _, stem = module.rpartition(".")
        public = set(bngd.__all__).union(["setup"] * (module in extensions))  # Sphinx calls an extension's setup
        public |= set(re.findall(rf"{module}\.(\w+)", extensions))
        for other, (imported, reached) in texts.items():
            if other != path:
                public |= imported.get(module, set())
                public |= reached if stem in imported.get(parent, ()) else set()
        body = ast.parse(path.read_text()).body
        public |= set(re.findall(r"\w+", " ".join(given_back(node) for node in body)))
        for node in body:
            targets = [named(target) for target in getattr(node, "targets", [getattr(node, "target", None)]) if target]
            together = [names for names in targets if not public & set(names)]  # of a pair, one may be for others
            names = [name for names in together for name in names]
            names += [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
            lonely += [f"{path.name}: {name}" for name in names if not name.startswith("_") and name not in public]
    assert lonely == []
