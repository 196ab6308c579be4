"""YAML as people write it, for profiles and for parameters that are typed on a command line."""

import re
from collections.abc import Hashable
from typing import Any

import yaml

from bngd.companion.errors import CompanionError


class _Loader(yaml.SafeLoader):
    """YAML as people write it: ``1e-3`` is a number (YAML 1.1 wants ``1.0e-3``), and a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
        if repeated:
            raise yaml.YAMLError(
                f"{', '.join(repeated)} stands twice in the mapping that begins in line {node.start_mark.line + 1}"
            )
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def read_yaml(text: str) -> Any:
    """Return what a YAML text says.

    Raises
    ------
    CompanionError
        If it is not YAML.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise CompanionError(f"this is not YAML: {error}") from None
