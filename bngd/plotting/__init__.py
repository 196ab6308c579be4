"""Figures: the house style, and one file of plots for each subject. Takes arrays and tables, returns Figures."""

from bngd.plotting.style import COLOURS, OUTCOME_COLOURS, figure, mark_level, mark_lr, panel_letters, use_house_style

__all__ = ["COLOURS", "OUTCOME_COLOURS", "figure", "mark_level", "mark_lr", "panel_letters", "use_house_style"]

use_house_style()
