"""Shadows: stateful mocks of real servers, inferred from their specifications."""
