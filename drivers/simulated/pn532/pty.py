#!/usr/bin/env python3
"""A serial line on this machine: makes a pty, carries its bytes, and tells the rate that the other end has set.

Standard output: "N" name LF, then records: kind (D data, R rate), rate before, rate now, length, bytes.
Standard input: raw bytes for the other end. Ends when standard input ends.
"""
import errno
import fcntl
import os
import select
import struct
import sys
import time
import tty

TCGETS2 = 0x802C542A  # speeds are its last two words; the older TCGETS cannot tell 1,288,000
QUICK_S, SLOW_S, QUICK_FOR_S = 0.004, 0.05, 0.5


def rate_of(fd):
    settings = fcntl.ioctl(fd, TCGETS2, bytes(44))
    return struct.unpack_from("=II", settings, 36)[1]


def write_all(fd, data):
    while data:
        try:
            data = data[os.write(fd, data):]
        except BlockingIOError:
            select.select([], [fd], [], 1)
        except OSError as problem:
            if problem.errno != errno.EIO:  # nobody has the line open: lost, as on a wire
                raise
            return


def main():
    master, slave = os.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    os.close(slave)
    os.set_blocking(master, False)
    if len(sys.argv) > 1:
        link = sys.argv[1]
        if os.path.islink(link) and not os.path.exists(link):
            os.unlink(link)  # left behind by a program that was killed
        os.symlink(name, link)
    rate = rate_of(master)  # before a host can know the name
    write_all(1, b"N%s\n" % name.encode())
    quick_until = 0.0
    is_open = True
    while True:
        wait = QUICK_S if time.monotonic() < quick_until else SLOW_S
        # A pty that nobody has open is always readable, with an error.
        watched = [0, master] if is_open else [0]
        ready, _, _ = select.select(watched, [], [], wait)
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                return
            write_all(master, data)
            quick_until = time.monotonic() + QUICK_FOR_S
        before = rate
        try:
            data = os.read(master, 65536)
            is_open = True
        except BlockingIOError:
            data, is_open = b"", True
        except OSError:
            data, is_open = b"", False
        rate = rate_of(master)
        if data or rate != before:
            quick_until = time.monotonic() + QUICK_FOR_S
            write_all(1, struct.pack(">cIIH", b"D" if data else b"R", before, rate, len(data)) + data)


try:
    main()
except (BrokenPipeError, KeyboardInterrupt):
    pass
finally:
    if len(sys.argv) > 1 and os.path.islink(sys.argv[1]):
        os.unlink(sys.argv[1])
