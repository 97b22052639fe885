"""How fast it is on this machine: the measuring behind `qmle speed`."""
