"""Stage 2: agents, tasks with certificates, rubrics, and who plays them."""
