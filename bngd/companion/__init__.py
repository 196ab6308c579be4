"""What turns notebooks into a book: parameters go in, figures, tables and claims come out.

A notebook talks to `Run` alone; the summary reads what the other notebooks claimed with `load_ledger`. Everything
else here is called by the Makefile, through ``python -m bngd.companion``.
"""

from bngd.companion.ledger import load_ledger
from bngd.companion.run import Run
from bngd.companion.shown import claims_table

__all__ = ["Run", "claims_table", "load_ledger"]
