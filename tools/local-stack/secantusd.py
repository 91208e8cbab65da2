"""Runs SecantusDB so that it is well again by itself after its disk was full.

WiredTiger panics when it cannot write, and every call fails from then on until it is opened anew. MongoDB ends then, and whoever runs it starts it again; SecantusDB stays, and answers "internal
server error". Here it begins anew in the same process as soon as there is room: what it acknowledged is in its log. Arguments: the program of SecantusDB, and the program's own.
"""

import logging
import os
import runpy
import sys
import threading
import time

ROOM_BYTES = 16 * 1024 * 1024
LOOK_EVERY_S = 1


def has_room():
    disk = os.statvfs(".")
    return disk.f_bavail * disk.f_frsize >= ROOM_BYTES


def begin_anew():
    while not has_room():
        time.sleep(LOOK_EVERY_S)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


class Panic(logging.Handler):
    is_seen = False

    def emit(self, record):
        if self.is_seen or not record.exc_info or "WT_PANIC" not in str(record.exc_info[1]):
            return
        self.is_seen = True
        threading.Thread(target=begin_anew, daemon=True).start()


logging.getLogger("secantus").addHandler(Panic())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
