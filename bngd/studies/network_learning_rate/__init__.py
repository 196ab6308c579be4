"""The notebook `network_learning_rate`: what it computes, in study.py, and what it draws, in plots.py."""
