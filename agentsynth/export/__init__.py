"""Stage 6: rows as trainers take them, and the card that says what they are."""
