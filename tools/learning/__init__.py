"""What your own deployments teach: corrections of later predictions, and measured points."""

from tools.learning.corrections import METRICS, Subject, corrections
from tools.learning.shrinkage import Correction

__all__ = ["METRICS", "Correction", "Subject", "corrections"]
