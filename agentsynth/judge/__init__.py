"""Stage 4: verdicts from checks, and (once a judge is configured) from questions."""
