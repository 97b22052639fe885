"""Reports: what the runs of a benchmark have come to, in pictures and tables."""
