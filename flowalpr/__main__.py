"""`python -m flowalpr`: the same as `flowalpr`."""

from flowalpr.cli.main import main

main()
