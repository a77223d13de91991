"""The stages in order: configuration, schedule, store, resume, events."""
