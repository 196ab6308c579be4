"""The notebook `effective_hessian`: what it computes, in study.py, and what it draws, in plots.py."""
