"""The official mail service of Hà Nam province: registry, naming rules, accounts database."""

__version__ = "0.1.0"
