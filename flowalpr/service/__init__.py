"""A flow as a service of systemd: what it needs of the machine, its unit, and how it is installed and removed."""
