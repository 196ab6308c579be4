"""BNGD: batch normalisation and gradient descent on least squares, as an executable companion to the paper."""

__version__ = "0.1.0"
