"""Arguments in, calls out: the only print, the only asyncio.run."""
