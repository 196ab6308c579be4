"""Figures of the notebook `network_one_layer`: the loss against the step size of one layer."""

from bngd.studies.shared.networks import loss_against_lr

__all__ = ["loss_against_lr"]
