"""The notebook `network_training_time`: what it computes, in study.py, and what it draws, in plots.py."""
