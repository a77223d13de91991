"""Figures, not tests. Each module prints one JSON object last."""
