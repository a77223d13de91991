"""Stage 5: what is kept, with a reason for everything that is not."""
