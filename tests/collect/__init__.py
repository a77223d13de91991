"""Tests of how tool servers are started and what is taken from them."""
