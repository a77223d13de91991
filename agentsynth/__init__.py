"""agentsynth synthesises agentic tool-use trajectories, each with evidence that it is true.

This package is used through its command line (`agentsynth --help`) or its submodules. Importing it
loads none of the heavy adapters (no language-model client, no MCP SDK, no database layer).
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
