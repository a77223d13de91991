"""Regression checks of rubrics and judges: goldens, cassettes, gates, baselines."""
