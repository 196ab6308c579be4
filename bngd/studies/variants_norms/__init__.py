"""The notebook `variants_norms`."""
