"""The notebook `beyond`: what is measured, and its figures."""
