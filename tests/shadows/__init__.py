"""Tests of shadows: what is inferred of real tools, and what a person adds to it."""
