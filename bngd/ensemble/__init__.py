"""Many runs at once, compiled: in this process on all cores by default, on a Dask cluster when given one.

`sweep` is the way in. Behind it: `runs` (what is to be run), `kernels` (the compiled steps), `record` (a chunk of runs,
by either method), `local` and `cluster` (who does the chunks), `progress` (how far it is), `sweeps` (the result).
"""

from bngd.ensemble.runs import METHODS
from bngd.ensemble.sweeps import SweepInterrupted, sweep

__all__ = ["METHODS", "SweepInterrupted", "sweep"]
