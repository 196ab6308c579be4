"""The errors that a reader of the companion can mend: each says what is wrong, the rule, and the way out."""

import errno
import re

WAYS_OUT = {
    errno.ENOSPC: "free some space, or build on another disk; nothing half-done was left in place",
    errno.EDQUOT: "free some of your quota, or build on another disk; nothing half-done was left in place",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), or build on another disk",
    errno.EROFS: "make a copy of the project where you may write, and build there",
    errno.EACCES: "become its owner, change its permissions, or build in a copy of your own",
    errno.EPERM: "become its owner, change its permissions, or build in a copy of your own",
    errno.EADDRNOTAVAIL: "notebooks talk to their kernel over 127.0.0.1: bring the loopback interface up",
}


def explained(error: OSError) -> str:
    """Return what the system refused, where, and the way out, in a line."""
    where = f"{error.filename}: " if error.filename else ""
    way_out = WAYS_OUT.get(error.errno or 0, "see that the file can be read and its folder written to, then try again")
    return f"{where}{error.strerror or error}; {way_out}"


def way_out(said: str) -> str:
    """Return the way out of an error of the system that another process told, empty where there is none."""
    found = re.match(r"\[Errno (\d+)\]", said)
    known = WAYS_OUT.get(int(found[1])) if found else None
    return f"; {known}" if known else ""


class CompanionError(ValueError):
    """Bad input to the companion; the command line prints its message alone, without a traceback."""


class NotebookFailed(CompanionError):
    """A notebook stopped before its end, or ended without its results."""


class LedgerError(CompanionError):
    """The ledger is missing, incomplete or inconsistent."""
