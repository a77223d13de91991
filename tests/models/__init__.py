"""Tests of the model layers."""
