"""The experiments of the paper, and some beyond: a file each."""
