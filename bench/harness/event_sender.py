# SPDX-License-Identifier: Apache-2.0
"""usage: event_sender.py PORT INTERFACE        (INTERFACE "-": no frames)

Sends each packet that its standard input names, "radius HEX" to 127.0.0.1:PORT or "frame HEX"
through INTERFACE, and prints the monotonic instant of sending."""
import socket
import sys
import time


def main():
    ways = {'radius': socket.socket(socket.AF_INET, socket.SOCK_DGRAM)}
    ways['radius'].connect(('127.0.0.1', int(sys.argv[1])))
    if sys.argv[2] != '-':
        ways['frame'] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        ways['frame'].bind((sys.argv[2], 0))
    for line in sys.stdin:
        way, text = line.split()
        packet = bytes.fromhex(text)
        now = time.monotonic()
        ways[way].send(packet)
        print(now, flush=True)


main()
