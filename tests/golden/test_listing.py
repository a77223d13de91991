"""A listing is told apart from a report of a deed, on the golden that showed the difference."""

import json
from pathlib import Path

from agentsynth.checks.conduct import claims_true
from agentsynth.checks.evidence import Evidence, Replay
from agentsynth.golden.golden import Golden
from agentsynth.pipeline.domains import load_checked
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.runtime import declarative_runtime

GOLDENS = Path(__file__).parents[2] / "examples" / "goldens" / "community_garden.jsonl"
LISTED = "You're on the list for April 8, April 9, April 19 and May 15."


def test_what_a_look_up_showed_may_be_listed_and_not_be_claimed_as_done() -> None:
    lines = GOLDENS.read_text(encoding="utf-8").splitlines()
    line = next(one for one in lines if json.loads(one)["id"] == "garden-several-01")
    runtime = declarative_runtime(load_checked("community_garden"))

    def outcome(text: str) -> str:
        assert LISTED in line
        played = Golden.model_validate_json(line.replace(LISTED, text)).played
        assert played is not None
        nothing = Replay((), (), played.trajectory.final_state)
        evidence = Evidence(played.task, played.trajectory, runtime, load_voice("en"), nothing)
        return claims_true(evidence).outcome

    assert outcome(LISTED) == "met"
    assert outcome("I've put you on the list for April 8, April 9 and May 15.") == "not_met"
