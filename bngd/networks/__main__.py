"""From the command line: ``python -m bngd.networks data NAME ...`` brings data, ``... protocol ROW`` runs a row."""

import sys

from bngd.networks import command, data

_COMMANDS = {"data": data.main, "protocol": command.main}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in _COMMANDS:
        sys.exit(f"usage: python -m bngd.networks {{{','.join(_COMMANDS)}}} ...; each has --help")
    sys.exit(_COMMANDS[sys.argv[1]](sys.argv[2:]))
