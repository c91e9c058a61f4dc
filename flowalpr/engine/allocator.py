"""How the C library hands out memory in a process that runs for months."""

from __future__ import annotations

import ctypes

M_ARENA_MAX = -8
"""From glibc's malloc.h."""
ARENAS = 2
"""Pools of memory in all. glibc makes up to eight for each core, and pictures of megabytes that one thread makes and
another lets go leave holes in every one of them, so that a process slowly seems to grow. Two suffice: the threads of a
flow ask for memory some hundred times a second."""


def limit_arenas() -> bool:
    """Have all threads share few pools of memory; false where the C library is not glibc, which has no such setting.

    To be called before the threads begin: a pool that is there stays.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_ARENA_MAX, ARENAS) == 1
