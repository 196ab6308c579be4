"""The notebook `network_effective_step`: what it computes, in study.py, and what it draws, in plots.py."""
