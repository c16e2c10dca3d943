"""The package's version, which is the library's that it is made for."""

__version__ = "0.1.0"
