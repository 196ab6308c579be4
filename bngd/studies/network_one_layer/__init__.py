"""The notebook `network_one_layer`: what it computes, in study.py, and what it draws, in plots.py."""
