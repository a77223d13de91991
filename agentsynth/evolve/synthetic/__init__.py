"""The scripted evolver: domains composed from operational archetypes and vocabularies."""
