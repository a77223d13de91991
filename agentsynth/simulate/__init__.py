"""Stage 3: users, assistants, and the rollout loop that lets them talk in a world."""
