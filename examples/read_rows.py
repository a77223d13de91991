"""Read an export the way a trainer would, and print what is in it. Needs no key and no network.

Makes a small run of its own, so that it works anywhere.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

CONFIG = """\
version: 1
seed: 3
target: {kept: 20}
domains: {community_garden: 1}
"""


def main() -> None:
    """Make twenty rows and count what they hold."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
        command = [sys.executable, "-m", "agentsynth", "run", str(folder / "config.yaml")]
        subprocess.run([*command, "--out", str(folder / "out"), "--json"], check=True, stdout=-3)
        text = (folder / "out" / "export" / "rows.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    kinds = Counter(json.loads(row["metadata"])["kind"] for row in rows)
    calls = Counter(
        call["function"]["name"]
        for row in rows
        for message in row["messages"]
        for call in message.get("tool_calls", [])
    )
    print(f"{len(rows)} rows, kinds: {dict(kinds)}")
    print(f"the tools they call most: {calls.most_common(5)}")


if __name__ == "__main__":
    main()
