"""How many pools of memory the threads of a process make."""

import platform
import subprocess
import sys

import pytest

MANY_THREADS = """
import ctypes, sys, threading
from flowalpr.engine.allocator import limit_arenas

if sys.argv[1] == "few":
    assert limit_arenas()
libc, ready = ctypes.CDLL(None), threading.Barrier(9)

def work():
    held = [bytearray(100_000) for _ in range(10)]
    ready.wait(30)

for _ in range(8):
    threading.Thread(target=work).start()
ready.wait(30)
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_threads_share_two_pools_of_memory() -> None:
    def pools(how: str) -> int:
        command = [sys.executable, "-c", MANY_THREADS, how]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.count("<heap nr=")

    assert pools("many") > 2
    assert pools("few") == 2
