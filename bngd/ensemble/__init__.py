"""Many runs at once, compiled: in this process on all cores by default, on a Dask cluster when given one.

`sweep` is the way in. Behind it: `runs` (what is to be run), `kernels` (the compiled steps), `record` (the same to one
chunk of runs, by either method), `local` and `cluster` (who does the chunks), `resume` (what survives an interruption).
"""

from bngd.ensemble.sweep import sweep

__all__ = ["sweep"]
