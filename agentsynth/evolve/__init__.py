"""Stage 1: real tool servers are installed and collected; domains are evolved."""
