# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
"""Records replies of the kernel's IPVS for tests/unit/test_ipvs_message.c and the fuzz target.

    tests/guest/run -o DIR /usr/bin/python3 tests/guest/record.py

writes them to DIR. Copy them to tests/fuzz/corpus/ipvs if the kernel has other attributes.
"""
import os
import socket
import struct
import subprocess

SERVICES = '''
-A -t 192.0.2.1:80 -s wlc -p 300 -M 255.255.255.0
-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 10
-a -t 192.0.2.1:80 -r 10.0.0.2:8080 -i -w 0 -x 100 -y 80
-A -u [2001:db8::1]:53 -s mh -b mh-fallback,mh-port
-a -u [2001:db8::1]:53 -r [2001:db8::2]:53 -g -w 65535
-A -f 7 -s rr
-A -f 7 -6 -s sh -b sh-fallback
'''
GET_SERVICE, GET_DEST, NEW_SERVICE = 4, 8, 1
DUMP, ACK = 0x301, 0x5
DONE = struct.pack('=H', 3)


def attribute(kind, value):
    return struct.pack('=HH', len(value) + 4, kind) + value + bytes(-len(value) % 4)


class Ipvs:
    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        self.family = 16

    def ask(self, command, flags, attributes):
        """Returns the replies, as they were received."""
        body = struct.pack('=BBH', command, 1, 0) + attributes
        self.socket.send(struct.pack('=IHHII', 16 + len(body), self.family, flags, 1, 0) + body)
        chunk = replies = self.socket.recv(65536)
        # The last message of a dump is NLMSG_DONE, which has 20 bytes.
        while flags == DUMP and chunk[-16:-14] != DONE:
            chunk = self.socket.recv(65536)
            replies += chunk
        return replies


def service(address, protocol, port):
    """The attribute of a service."""
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    return attribute(0x8001, attribute(1, struct.pack('=H', family)) +
                     attribute(2, struct.pack('=H', protocol)) +
                     attribute(3, packed + bytes(16 - len(packed))) +
                     attribute(4, struct.pack('>H', port)))


def main():
    for line in SERVICES.strip().splitlines():
        subprocess.run(['ipvsadm', *line.split()], check=True)
    ipvs = Ipvs()
    replies = {'family': ipvs.ask(3, 1, attribute(2, b'IPVS\0'))}
    at = replies['family'].index(struct.pack('=HH', 6, 1))
    ipvs.family = struct.unpack_from('=H', replies['family'], at + 4)[0]
    replies['services'] = ipvs.ask(GET_SERVICE, DUMP, b'')
    replies['dests'] = ipvs.ask(GET_DEST, DUMP, service('192.0.2.1', 6, 80))
    replies['dests-ipv6'] = ipvs.ask(GET_DEST, DUMP, service('2001:db8::1', 17, 53))
    replies['dests-none'] = ipvs.ask(GET_DEST, DUMP, service('192.0.2.9', 6, 80))
    replies['error'] = ipvs.ask(NEW_SERVICE, ACK, service('192.0.2.9', 6, 80))
    for name, reply in replies.items():
        with open(os.path.join(os.environ['OUT'], name), 'wb') as file:
            file.write(reply)


main()
