"""Settings as data: suites of tasks, tuned settings of baselines, overlays."""
