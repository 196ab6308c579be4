"""Studies: a folder a notebook, with what it computes beyond the flat API (study.py) and its figures (plots.py)."""
