"""What the process that opens strangers' files takes away from itself before it does.

A decoder is the likeliest place for somebody else's code to begin to run, so nothing worth having is left to it:

- limits on memory, processor time, open files, file sizes and processes (POSIX, `setrlimit`; not on Windows);
- files: it may read the one picture, and writes none (Linux 5.13 and later, Landlock);
- no sockets, no other programs, and no hand on other processes or on what files there are: not even their length,
  rights or owners, which Landlock leaves alone (Linux on x86-64 and ARM64, seccomp).

Each is done where the system can and left out where it cannot. None takes rights that a plain user lacks. What is left
is a pipe to the bot, and the bot believes nothing that comes out of it: see studio.py.
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

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2  # prctl(2)
# Landlock's system calls have the same numbers everywhere: landlock_create_ruleset(2) and its kin.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_FOR_VERSION = 1
_BENEATH_A_PATH = 1
_READ_FILE = 1 << 2
#: Rights that each version of Landlock knows, all of which are taken: on files, on TCP ports, and on what reaches other
#: processes (abstract sockets, signals).
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
_NETWORK_FROM, _SCOPES_FROM = 4, 6

#: Numbers of the machine for seccomp, of fcntl, and of the system calls there that are denied, in groups:
#: - the network: socket, socketpair, connect, bind, sendto
#: - programs: execve, execveat, fork, vfork, clone
#: - other processes: ptrace, process_vm_readv, process_vm_writev, kill, tkill, tgkill, rt_sigqueueinfo,
#:   rt_tgsigqueueinfo, prlimit64, setpriority, sched_setparam, sched_setscheduler, sched_setaffinity, sched_setattr,
#:   ioprio_set, kcmp, shmget, shmat, shmctl, msgget, semget, mq_open
#: - files: truncate, chmod, fchmod, fchmodat, chown, fchown, lchown, fchownat, setxattr, lsetxattr, fsetxattr,
#:   removexattr, lremovexattr, fremovexattr, utime, utimes, futimesat, utimensat, rename, renameat, renameat2, link,
#:   linkat, symlink
#: - more of files: symlinkat, unlink, unlinkat, mkdir, mkdirat, rmdir, creat, mknod, mknodat
#: - the kernel itself: perf_event_open, bpf, userfaultfd, add_key, request_key, keyctl, unshare, setns, mount, umount2
#: ARM64 lacks the older ones of these.
_MACHINES = {
    "x86_64": (
        0xC000003E,
        72,
        (41, 53, 42, 49, 44),
        (59, 322, 57, 58, 56),
        (101, 310, 311, 62, 200, 234, 129, 297, 302, 141, 142, 144, 203, 314, 251, 312, 29, 30, 31, 68, 64, 240),
        (76, 90, 91, 268, 92, 93, 94, 260, 188, 189, 190, 197, 198, 199, 132, 235, 261, 280, 82, 264, 316, 86, 265, 88),
        (266, 87, 263, 83, 258, 84, 85, 133, 259),
        (298, 321, 323, 248, 249, 250, 272, 308, 165, 166),
    ),
    "aarch64": (
        0xC00000B7,
        25,
        (198, 199, 203, 200, 206),
        (221, 281, 220),
        (117, 270, 271, 129, 130, 131, 138, 240, 261, 140, 118, 119, 122, 274, 30, 272, 194, 196, 195, 186, 190, 180),
        (45, 52, 53, 55, 54, 5, 6, 7, 14, 15, 16, 88, 38, 276, 37, 36),
        (35, 34, 33),
        (241, 280, 282, 217, 218, 219, 97, 268, 40, 39),
    ),
}
#: The same everywhere: pidfd_send_signal, io_uring_setup, pidfd_open, clone3, openat2, pidfd_getfd, process_madvise,
#: process_mrelease, fchmodat2, setxattrat, removexattrat.
_EVERYWHERE = (424, 425, 434, 435, 437, 438, 440, 448, 452, 463, 466)
#: Of fcntl: F_SETOWN, F_SETSIG, F_SETOWN_EX. Whoever owns a pipe gets a signal from it, which ends a process.
_OWNERS = (8, 10, 15)
_X32_BIT = 0x40000000  # the second set of system calls of x86-64
_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | 1  # the second: EPERM
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _MACHINE, _SECOND_ARGUMENT = 0, 4, 24  # where they stand in what the filter sees


def confine(picture: Path, *, memory: int, seconds: int) -> None:
    """Take away all that is not needed to read `picture` and to write to the pipes that are open.

    `memory` is in bytes of address space, `seconds` of processor time. Whatever has to be imported is imported before.
    """
    if sys.platform == "win32":
        return
    _limit(memory, seconds)
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
        _keep_from_files(libc, picture)
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
        (resource.RLIMIT_NPROC, 0),
    )
    for kind, most in limits:
        with contextlib.suppress(ValueError, OSError):  # macOS knows the limit on memory but takes none
            resource.setrlimit(kind, (most, most))
    with contextlib.suppress(OSError):  # Linux only: the first to go where memory runs out
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    # Last, for it forbids to write any file, that one included. Pipes are none.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _keep_from_files(libc: ctypes.CDLL, picture: Path) -> None:
    if sys.platform != "linux":
        return
    version = libc.syscall(_CREATE_RULESET, None, 0, _ASK_FOR_VERSION)
    if version < 1:
        return
    bits = max(number for since, number in _FILE_RIGHTS.items() if since <= version)
    handled = struct.pack("=Q", (1 << bits) - 1)
    if version >= _NETWORK_FROM:
        handled += struct.pack("=Q", 0b11)
    if version >= _SCOPES_FROM:
        handled += struct.pack("=Q", 0b11)
    ruleset = libc.syscall(_CREATE_RULESET, handled, len(handled), 0)
    if ruleset < 0:
        return
    try:
        file = os.open(picture, os.O_PATH | os.O_CLOEXEC)
        try:
            if libc.syscall(_ADD_RULE, ruleset, _BENEATH_A_PATH, struct.pack("=Qi", _READ_FILE, file), 0) != 0:
                return
        finally:
            os.close(file)
        libc.syscall(_RESTRICT_SELF, ruleset, 0)
    except FileNotFoundError:
        return  # there is nothing to read: that is told when it is opened
    finally:
        os.close(ruleset)


def _keep_from_system_calls(libc: ctypes.CDLL) -> None:
    if platform.machine() not in _MACHINES:
        return
    machine, fcntl, *groups = _MACHINES[platform.machine()]
    denied = [*(number for group in groups for number in group), *_EVERYWHERE]
    program = [(_LOAD, 0, 0, _MACHINE), (_IF_EQUAL, 1, 0, machine), (_RETURN, 0, 0, _DENY), (_LOAD, 0, 0, _NUMBER)]
    program += [(_IF_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, _DENY)]
    program += [(_IF_EQUAL, 0, len(_OWNERS) + 3, fcntl), (_LOAD, 0, 0, _SECOND_ARGUMENT)]
    program += [(_IF_EQUAL, len(_OWNERS) - index, 0, number) for index, number in enumerate(_OWNERS)]
    program += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _DENY)]
    program += [(_IF_EQUAL, len(denied) - index, 0, number) for index, number in enumerate(denied)]
    program += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _DENY)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    # struct sock_fprog: the number of lines and, aligned, where they stand.
    whole = struct.pack("@HP", len(program), ctypes.addressof(code))
    libc.prctl(_SET_SECCOMP, _FILTER, whole, 0, 0)
