"""Draws from generators that were made, and even seeded, when this was imported."""

import random

import numpy as np

from coilyard import tool

OWN = random.Random(7)
LEGACY = np.random.RandomState(7)
MODERN = [np.random.default_rng(), np.random.Generator(np.random.Philox(7))]


@tool
def roll() -> list:
    """A number of each of them."""
    numbers = [OWN.random(), LEGACY.random_sample(), LEGACY.standard_normal()]
    return [float(number) for number in numbers + [source.random() for source in MODERN]]
