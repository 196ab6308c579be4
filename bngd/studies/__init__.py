"""Studies: what each notebook computes beyond one call of the flat API, as tidy tables; no plots, no files."""
