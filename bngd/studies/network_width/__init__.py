"""The notebook `network_width`: what it computes, in study.py, and what it draws, in plots.py."""
