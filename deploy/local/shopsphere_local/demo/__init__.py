"""The demo: real shopping days through the whole platform, a report of what came out, and a platform left running."""

from shopsphere_local.demo.command import run

__all__ = ["run"]
