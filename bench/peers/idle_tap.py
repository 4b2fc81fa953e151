#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: idle_tap.py INTERFACE

A packet socket whose filter refuses every frame: what the kernel itself takes for there
being a tap at all, which is the least that any listener costs. Says "ready", then sleeps.
"""
import ctypes
import signal
import socket
import struct
import sys

ATTACH_FILTER, EVERY_PROTOCOL = 26, 3
refuse = ctypes.create_string_buffer(struct.pack('HBBI', 0x06, 0, 0, 0))  # ret 0
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
tap.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, struct.pack('HL', 1, ctypes.addressof(refuse)))
tap.bind((sys.argv[1], EVERY_PROTOCOL))
print('ready', flush=True)
signal.pause()
