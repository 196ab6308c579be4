"""The errors that a reader of the companion can mend: each says what is wrong, the rule, and the way out."""


class CompanionError(ValueError):
    """Bad input to the companion; the command line prints its message alone, without a traceback."""


class NotebookFailed(CompanionError):
    """A notebook stopped before its end, or ended without its results."""


class LedgerError(CompanionError):
    """The ledger is missing, incomplete or inconsistent."""
