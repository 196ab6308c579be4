"""The notebook `variants_steps`."""
