"""What the process that opens strangers' files takes away from itself before it does.

A decoder is the likeliest place for somebody else's code to begin to run, so nothing worth having is left to it:

- limits on memory, processor time, open files, file sizes and processes (POSIX, `setrlimit`; not on Windows);
- files: it may read the one picture and write into one folder, and no more (Linux 5.13 and later, Landlock);
- no sockets, no other programs, no look into other processes (Linux on x86-64 and ARM64, seccomp).

Each is done where the system can and left out where it cannot. None takes rights that a plain user lacks.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
from pathlib import Path

if sys.platform != "win32":
    import resource

MAX_OPEN_FILES = 32
MAX_FILE_BYTES = 64 * 1024 * 1024

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2  # prctl(2)
# Landlock's system calls have the same numbers everywhere: landlock_create_ruleset(2) and its kin.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_BENEATH_A_PATH = 1
_WRITE_FILE, _READ_FILE, _MAKE_FILE = 1 << 1, 1 << 2, 1 << 8
_ALL_OF_FIRST_VERSION = (1 << 13) - 1

#: Numbers of the machine for seccomp, and of system calls there: socket, socketpair, connect, bind, sendto, execve,
#: execveat, ptrace, fork, vfork, clone, process_vm_readv, process_vm_writev, kill, tkill, rt_sigqueueinfo.
_MACHINES = {
    "x86_64": (0xC000003E, (41, 53, 42, 49, 44, 59, 322, 101, 57, 58, 56, 310, 311, 62, 200, 129)),
    "aarch64": (0xC00000B7, (198, 199, 203, 200, 206, 221, 281, 117, 220, 270, 271, 129, 130, 138)),
}
#: The same everywhere: pidfd_send_signal, io_uring_setup, pidfd_open, clone3, pidfd_getfd.
_EVERYWHERE = (424, 425, 434, 435, 438)
_X32_BIT = 0x40000000  # the second set of system calls of x86-64
_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | 1  # the second: EPERM
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _MACHINE = 0, 4  # where they stand in what the filter sees


def confine(picture: Path, into: Path | None, *, memory: int, seconds: int) -> None:
    """Take away all that is not needed to read `picture` and write into the folder `into`.

    `memory` is in bytes of address space, `seconds` of processor time. Whatever has to be imported is imported before.
    """
    if sys.platform == "win32":
        return
    _limit(memory, seconds)
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
        _keep_from_files(libc, picture, into)
        _keep_from_system_calls(libc)


def _limit(memory: int, seconds: int) -> None:
    if sys.platform == "win32":
        return
    os.nice(5)
    limits = (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        (resource.RLIMIT_FSIZE, MAX_FILE_BYTES),
        (resource.RLIMIT_NPROC, 0),
    )
    for kind, most in limits:
        with contextlib.suppress(ValueError, OSError):  # macOS knows the limit on memory but takes none
            resource.setrlimit(kind, (most, most))
    with contextlib.suppress(OSError):  # Linux only: the first to go where memory runs out
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def _keep_from_files(libc: ctypes.CDLL, picture: Path, into: Path | None) -> None:
    handled = struct.pack("=Q", _ALL_OF_FIRST_VERSION)
    if sys.platform != "linux":
        return
    ruleset = libc.syscall(_CREATE_RULESET, handled, len(handled), 0)
    if ruleset < 0:
        return
    allowed = [(picture, _READ_FILE)]
    if into is not None:
        allowed.append((into, _READ_FILE | _WRITE_FILE | _MAKE_FILE))
    try:
        for path, rights in allowed:
            file = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                if libc.syscall(_ADD_RULE, ruleset, _BENEATH_A_PATH, struct.pack("=Qi", rights, file), 0) != 0:
                    return
            finally:
                os.close(file)
        libc.syscall(_RESTRICT_SELF, ruleset, 0)
    except FileNotFoundError:
        return  # there is nothing to read: that is told when it is opened
    finally:
        os.close(ruleset)


def _keep_from_system_calls(libc: ctypes.CDLL) -> None:
    machine, denied = _MACHINES.get(platform.machine(), (0, ()))
    if not machine:
        return
    denied += _EVERYWHERE
    program = [(_LOAD, 0, 0, _MACHINE), (_IF_EQUAL, 1, 0, machine), (_RETURN, 0, 0, _DENY), (_LOAD, 0, 0, _NUMBER)]
    program.append((_IF_AT_LEAST, len(denied) + 1, 0, _X32_BIT))
    program += [(_IF_EQUAL, len(denied) - index, 0, number) for index, number in enumerate(denied)]
    program += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _DENY)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    # struct sock_fprog: the number of lines and, aligned, where they stand.
    whole = struct.pack("@HP", len(program), ctypes.addressof(code))
    libc.prctl(_SET_SECCOMP, _FILTER, whole, 0, 0)
