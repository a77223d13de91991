"""`python -m agentsynth`."""

from agentsynth.cli.main import entry

entry()
