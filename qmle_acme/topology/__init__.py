"""How the processes of a run are placed, watched, stopped."""
