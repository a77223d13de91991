"""Tests of what is collected: registries, and tools people bring themselves."""
