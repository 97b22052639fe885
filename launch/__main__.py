"""`python -m qmle_acme.launch` is `qmle`."""

from . import main

main.main()
