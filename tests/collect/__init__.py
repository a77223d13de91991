"""Tests of what is collected: servers, registries, tools people bring themselves, and views."""
