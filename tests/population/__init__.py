"""A province's people and their registry, made up but true to the figures: for tests and measurements, offline.

`people` gives persons, `province` a whole registry, `write` puts one into a folder; the same seed gives the same.
On the command line: python -m tests.population --mailboxes 20000 --seed 1 --output DIR
"""

from tests.population.names import Person, people
from tests.population.province import province, write

__all__ = ["Person", "people", "province", "write"]
