"""The command ``sfin``, a module for each of its commands."""
