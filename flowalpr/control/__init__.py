"""The one door into a running flow: HTTP, on a socket that only its user can open, and over TLS where asked for."""
