"""Figures of the notebook `network_scripts`: what the published scripts feed their networks."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bngd.studies.shared.style import figure


def images(panels: Mapping[str, NDArray]) -> Figure:
    """Show images side by side under their titles.

    Parameters
    ----------
    panels : mapping of str to ndarray
        Title -> image of shape (height, width, 3) of bytes.
    """
    fig, axes = figure(len(panels), width=2.4 * len(panels), height=2.6)
    for ax, (title, image) in zip(np.ravel(axes), panels.items(), strict=True):
        ax.imshow(image, interpolation="nearest")
        ax.set_title(title, loc="left")
        ax.set_axis_off()
    return fig
