"""The record of a preflight: what `run` looks for before it spends anything."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from agentsynth.core.ids import content_id
from agentsynth.models.settings import ModelSettings, sampling_of
from agentsynth.pipeline.config import ModelsConfig
from agentsynth.pipeline.preflight_findings import advised_mode, findings, fit_seats
from agentsynth.pipeline.preflight_seen import Mode, Seen

__all__ = ["FOLDER", "record_path", "report_of", "unproven", "write_record"]

FOLDER = Path(".agentsynth") / "preflight"
"""In the working directory."""


def record_path(settings: ModelSettings, folder: Path = FOLDER) -> Path:
    """Return where the record of a model lies: named by what decides its replies."""
    return folder / f"{content_id(sampling_of(settings)).partition(':')[2]}.json"


def report_of(seen: Seen) -> dict[str, Any]:
    """Return what was seen and found, as JSON types."""
    fit = fit_seats(seen)
    unfit = [seat for seat in seen.seats if not fit[seat]]
    return {
        "model": seen.settings.model,
        "url": seen.settings.url,
        "via": seen.settings.via,
        "mode": seen.settings.mode,
        "seats": list(seen.seats),
        "fit": not unfit,
        "fit_seats": dict(fit),
        "advised_mode": advised_mode(seen),
        "reachable": not seen.unreachable,
        "listed": seen.listed,
        "near": list(seen.near),
        "context": seen.context,
        "structured_output": seen.structured,
        "reasoning_field": seen.reasoning or None,
        "counts_tokens": seen.usage,
        "counts_cached": seen.cached,
        "price": {"source": seen.price, "usd_per_million": list(seen.per_million)}
        if seen.per_million is not None
        else None,
        "native": _plain(seen.native),
        "action": _plain(seen.action),
        "findings": [asdict(finding) for finding in findings(seen)],
    }


def _plain(mode: Mode | None) -> dict[str, Any] | None:
    return None if mode is None else json.loads(json.dumps(asdict(mode)))


def write_record(
    settings: ModelSettings, report: dict[str, Any], at: datetime, folder: Path = FOLDER
) -> Path:
    """Write a model's record and return where it lies."""
    path = record_path(settings, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {"at": at.isoformat(timespec="seconds"), "sampling": sampling_of(settings), **report}
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def unproven(models: ModelsConfig, command: str, folder: Path = FOLDER) -> Sequence[str]:
    """Return what to tell about models whose preflight is missing or says they are unfit.

    Args:
        command: what runs the preflight.
    """
    told = [_missing(role, one, command, folder) for role, one in models.seated().items()]
    return [text for text in told if text is not None]


def _missing(role: str, settings: ModelSettings, command: str, folder: Path) -> str | None:
    try:
        record = json.loads(record_path(settings, folder).read_text(encoding="utf-8"))
        fit = record["fit_seats"][role]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{role}: no preflight of {settings.model!r} yet; run: {command}"
    if fit:
        return None
    return f"{role}: the preflight of {settings.model!r} found it unfit for this seat"
