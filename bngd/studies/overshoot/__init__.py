"""The notebook `overshoot`: what is measured, and its figures."""
