"""`python -m launch` is `qmle`."""

from launch import main

main.main()
