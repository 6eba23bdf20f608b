"""Colours of where a value is from."""

BADGES = {
    "said": "green",
    "edited": "cyan",
    "template": "yellow",
    "derived": "blue",
    "measured": "green",
    "interpolated": "blue",
    "modelled": "magenta",
    "catalog": "green",
}
