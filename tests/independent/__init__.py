"""Judges of their own: no code shared with planning or checks, only the values of `core`."""
