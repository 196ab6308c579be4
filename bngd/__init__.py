"""BNGD: batch normalization and gradient descent on least squares, as an executable companion to the paper.

The mathematics is flat: ``bngd.Problem``, ``bngd.bngd_trajectory``, ``bngd.effective_condition_number``, ... What a
notebook computes and draws lives in its folder of `bngd.studies`, what turns notebooks into a book in `bngd.companion`.

Reference: Y. Cai, Q. Li, Z. Shen, A Quantitative Analysis of the Effect of Batch Normalization on Gradient Descent,
ICML 2019.
"""

import lazy_loader

# The names stand in __init__.pyi. Each is imported on first use: the commands that only run notebooks or build the book
# need neither SciPy nor pandas nor Numba, which take longer to load than these commands to run.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
