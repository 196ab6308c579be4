"""The notebook `own_data`: what it computes, in study.py, and what it draws, in plots.py."""
