"""Search over a world's semantics: reference calls, guards, certificates."""
