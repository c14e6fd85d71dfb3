"""The topologies that the render tests have: what those have templated is not templated again."""

from tests.render.conftest import environment

__all__ = ["environment"]
