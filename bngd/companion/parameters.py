"""A notebook's parameters: read from its tagged cell, and checked before anything runs.

Papermill itself only warns of a misspelt name, and then silently runs the defaults.
"""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bngd.companion import ranges
from bngd.companion.errors import CompanionError

TAG = "parameters"


def defaults(source: Path) -> dict[str, Any]:
    """Return the names and default values in a notebook's ``parameters`` cell, in their order.

    Raises
    ------
    CompanionError
        If the notebook has no such cell, or more than one, or a line of it is not ``name = literal``.
    """
    return dict(_assignment(statement, source) for statement in ast.parse(cell_of(source)).body)


def cell_of(source: Path) -> str:
    """Return the source of a notebook's ``parameters`` cell.

    Raises
    ------
    CompanionError
        If the notebook has no such cell, or more than one.
    """
    import nbformat

    cells = nbformat.read(source, as_version=4).cells
    tagged = [cell for cell in cells if cell.cell_type == "code" and TAG in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise CompanionError(
            f"{source.name} has {len(tagged)} code cells with the tag {TAG!r}; it needs exactly one, with its defaults"
        )
    return tagged[0].source


def _assignment(statement: ast.stmt, source: Path) -> tuple[str, Any]:
    match statement:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value)
        ):
            try:
                return name, ast.literal_eval(value)  # type: ignore[arg-type]
            except (ValueError, TypeError):
                pass
    raise CompanionError(
        f"the {TAG} cell of {source.name} holds `{ast.unparse(statement)}`; it takes only lines `name = literal`: "
        "compute derived values in the next cell, or they would not follow a changed parameter"
    )


def check(source: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given parameters, in the types that their rules name.

    Where a parameter has no rule (see `bngd.companion.ranges`), the type of its default is asked for: an int is
    accepted where the default is a float; a bool is not an int; lists are checked entry by entry; None takes anything.

    Raises
    ------
    CompanionError
        If a name is unknown, with the list of valid ones, or a value breaks its rule.
    """
    known = defaults(source)
    for name in given:
        if name not in known:
            valid = ", ".join(known) or "(none)"
            raise CompanionError(f"notebook {source.stem!r} has no parameter {name!r}; its parameters are: {valid}")
    cell = cell_of(source)
    ranges.check(source.stem, cell, {**known, **given}, known)
    rules = ranges.rules(cell)
    return {
        name: rule.converted(value)
        if (rule := rules.get(name)) is not None
        else _converted(value, known[name], f"{name!r} of notebook {source.stem!r}")
        for name, value in given.items()
    }


def parse(source: Path, given: Mapping[str, str]) -> dict[str, Any]:
    """Return parameters that were typed on a command line, checked as by `check`.

    A parameter whose default is text takes the text as it is; any other is read as YAML, so ``1e-3``, ``true`` and
    ``[10, 100]`` mean what they seem to.
    """
    from bngd.companion.yamls import read_yaml

    known = defaults(source)
    values = {name: text if isinstance(known.get(name), str) else read_yaml(text) for name, text in given.items()}
    return check(source, values)


def _converted(value: Any, default: Any, where: str) -> Any:
    if default is None:
        return value
    if isinstance(default, list | tuple):
        return _converted_list(value, default, where)
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        raise _mismatch(value, default, where)
    return value


def _converted_list(value: Any, default: list[Any] | tuple[Any, ...], where: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise _mismatch(value, default, where)
    if not default:
        return list(value)
    # In [0.5, 1] the author means floats: the 1 stands for 1.0.
    entry = next((one for one in default if isinstance(one, float)), default[0])
    return [_converted(one, entry, f"{position} of {where}") for position, one in enumerate(value)]


def _mismatch(value: Any, default: Any, where: str) -> CompanionError:
    subject = "parameter" if where.startswith("'") else "entry"
    return CompanionError(
        f"{subject} {where} is {value!r} ({type(value).__name__}); its default {default!r} asks for type "
        f"{type(default).__name__}"
    )
