"""What is installed: a bill of materials in CycloneDX, and an audit against a saved list of known vulnerabilities.

Run as ``python -m trust.supply sbom`` or ``python -m trust.supply audit``.
"""

import argparse
import json
import re
import sys
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from trust import kept

OLD_AFTER_DAYS = 90


def installed() -> list[metadata.Distribution]:
    """Return every installed distribution but ours, by name."""
    found = {_normal(one.metadata["Name"]): one for one in metadata.distributions()}
    return [found[name] for name in sorted(found) if name != "bngd"]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_hashes() -> dict[tuple[str, str], list[str]]:
    """Return the SHA-256 digests of each name and version in the lock files; empty where there is none."""
    hashes: dict[tuple[str, str], list[str]] = {}
    for path in kept.ROOT.glob("*.lock"):
        current = None
        for line in path.read_text().splitlines():
            if match := re.match(r"([A-Za-z0-9_.\-]+)==([^\s;\\]+)", line):
                current = _normal(match[1]), match[2]
            if current:
                hashes.setdefault(current, []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return hashes


def bill() -> dict[str, Any]:
    """Return the bill of materials, CycloneDX 1.5: name, version, licence, package URL and locked digests."""
    hashes = locked_hashes()
    components = [_component(one, hashes) for one in installed()]
    ours = {"type": "application", "name": "bngd", "version": metadata.version("bngd")}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": ours},
        "components": components,
    }


def _component(one: metadata.Distribution, hashes: dict[tuple[str, str], list[str]]) -> dict[str, Any]:
    name = _normal(one.metadata["Name"])
    licence = one.metadata.get("License-Expression") or one.metadata.get("License") or "unknown"
    digests = [{"alg": "SHA-256", "content": digest} for digest in sorted(set(hashes.get((name, one.version), [])))]
    url = f"pkg:pypi/{name}@{one.version}"
    told = {"type": "library", "bom-ref": url, "name": name, "version": one.version, "purl": url}
    told["licenses"] = [{"license": {"name": licence.strip().splitlines()[0][:80]}}]
    return {**told, "hashes": digests} if digests else told


def audit(database: Path | None = None, today: date | None = None) -> tuple[list[str], str]:
    """Return the known vulnerabilities of what is installed, one sentence each, and how old the list is.

    The list maps names to ranges of versions that are vulnerable. Without a file it is the one that the package
    safety-db holds, whose version is its date.
    """
    from packaging.specifiers import SpecifierSet

    saved = metadata.distribution("safety-db") if database is None else None
    path = database or Path(str(saved.locate_file("safety_db/insecure.json")))  # type: ignore[union-attr]
    ranges = {_normal(name): entry for name, entry in json.loads(path.read_text()).items() if isinstance(entry, list)}
    when = date(*map(int, saved.version.split("."))) if saved else date.fromtimestamp(path.stat().st_mtime)
    age = ((today or date.today()) - when).days
    said = f"{len(ranges)} packages with advisories in a list of {when}, {age} days old"
    if age > OLD_AFTER_DAYS:
        said += "; what became known since then is not in it"
    found = [
        f"{one.metadata['Name']} {one.version} is in the vulnerable range {bad!r}"
        for one in installed()
        for bad in ranges.get(_normal(one.metadata["Name"]), [])
        if SpecifierSet(bad).contains(one.version, prereleases=True)
    ]
    return found, said


def main() -> int:
    """Write the bill, or audit; return 1 if something installed is known to be vulnerable."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["sbom", "audit"])
    parser.add_argument("--output", type=Path, default=kept.ROOT / "build" / "sbom.json")
    parser.add_argument("--database", type=Path, help="a newer list: JSON, from names to vulnerable ranges")
    options = parser.parse_args()
    if options.command == "sbom":
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(bill(), indent=1) + "\n")
        print(f"{len(bill()['components'])} components: {options.output}")
        return 0
    found, said = audit(options.database)
    print("\n".join([said, *(f"VULNERABLE: {one}" for one in found), f"{len(found)} known vulnerabilities"]))
    kept.write("supply", {"components": len(installed()), "list": said, "vulnerable": found}, "make audit")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
