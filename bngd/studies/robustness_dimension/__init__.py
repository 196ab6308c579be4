"""The notebook `robustness_dimension`: what it computes, in study.py, and what it draws, in plots.py."""
