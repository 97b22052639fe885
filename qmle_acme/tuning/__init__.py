"""Settings that are searched for: `qmle tune`."""
