"""The notebook `network_scripts`: what it computes, in study.py, and what it draws, in plots.py."""
