"""Comparing qualities: thresholds in the words of people, and an order in which the unknown never wins."""

from knowledge.facts import ModelQuality, QualityThreshold


def meets(quality: ModelQuality | None, threshold: QualityThreshold) -> bool:
    """Whether a known quality reaches the threshold, an estimated one with its lower bound; unknown meets none."""
    return quality is not None and ranking_score(quality) >= threshold.score


def ranking_score(quality: ModelQuality | None) -> float:
    """Score to rank by: measured as it stands, estimated at its lower bound, unknown below everything."""
    if quality is None:
        return -1.0
    if quality.basis == "measured":
        return quality.score
    return max(quality.score - quality.standard_error, 0.0)


def tied(one: ModelQuality, other: ModelQuality) -> bool:
    """Whether two qualities differ by less than the larger of their standard errors."""
    return abs(one.score - other.score) < max(one.standard_error, other.standard_error)
