/**
 * What an exported script runs beside the kernel, in Python: servers that answer as the lab's images did, and a capture
 * on every interface. One process for all namespaces; it takes lines from a pipe and says `ok` after each `done`.
 */
export const PROGRAM = String.raw`import base64, ctypes, fcntl, glob, json, mmap, os, re, selectors, socket, struct, sys

work, prefix = sys.argv[1:3]
table = json.load(open(work + '/answers.json'))
libc = ctypes.CDLL(None, use_errno=True)
loop = selectors.DefaultSelector()
servers, watched, seen_devices = {}, {}, {}
capture = {'file': None, 'frames': []}


def enter(name):
    fd = os.open('/run/netns/' + prefix + name, os.O_RDONLY)
    failed = libc.setns(fd, 0x40000000)
    os.close(fd)
    if failed:
        raise OSError(ctypes.get_errno(), 'setns')


def answers(server):
    """Its own; else those of whoever serves on the same port: pods of one kind answer alike, the outside host does not."""
    kin = [name for name in table['answers'] if name.split(' ')[1:] == server.split(' ')[1:]]
    names = [name for name in kin if (name[:4] == 'ext ') == (server[:4] == 'ext ')]
    known = [answer for name in names + [server] for answer in table['answers'].get(name, [])]
    return {answer['to']: answer for answer in known}


def request_in(data):
    """Length and name of the first complete request: all of it, or an HTTP request's first line."""
    line = re.match(rb'[A-Z]+ \S+ HTTP/1\.[01](?=\r?\n)', data)
    if line is None:
        known = not re.match(rb'[A-Z]+ ', data)
        return (len(data), base64.b64encode(data).decode()) if known else None
    head = re.search(rb'\r?\n\r?\n', data)
    if head is None:
        return None
    length = re.search(rb'(?i)\ncontent-length: *(\d+)', data[:head.end()])
    end = head.end() + (int(length.group(1)) if length else 0)
    return (end, line.group().decode()) if len(data) >= end else None


class Connection:
    def __init__(self, sock, server):
        self.sock, self.server, self.data, self.continued = sock, server, b'', False
        sock.settimeout(5)
        loop.register(sock, selectors.EVENT_READ, self.read)
        self.say(answers(server).get(''))

    def say(self, answer):
        if answer is None:
            return
        try:
            self.sock.sendall(base64.b64decode(answer['bytes']))
        except OSError:
            return self.end()
        if answer['close']:
            self.end()

    def end(self):
        if self.sock is not None:
            loop.unregister(self.sock)
            self.sock.close()
            self.sock = None

    def read(self):
        try:
            data = self.sock.recv(1 << 20)
        except OSError:
            data = b''
        if not data:
            return self.end()
        self.data += data
        if not self.continued and re.search(rb'(?i)\nexpect: 100-continue', self.data):
            self.continued = True
            self.sock.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')
        while self.sock is not None and self.data:
            request = request_in(self.data)
            if request is None:
                return
            self.data = self.data[request[0]:]
            known = answers(self.server)
            self.say(known.get(request[1]) or (known.get('*') if 'HTTP/1.' in request[1] else None))


def question_of(data):
    at = 12
    while at < len(data) and data[at]:
        at += data[at] + 1
    return data[12:at + 5].lower()


def name_of(question):
    labels, at = [], 0
    while at < len(question) and question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode('latin-1'))
        at += question[at] + 1
    return '.'.join(labels)


class Datagrams:
    def __init__(self, sock, server, netns):
        self.sock, self.server, self.netns, self.waiting = sock, server, netns, []
        sock.setsockopt(socket.IPPROTO_IP, 8, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        loop.register(sock, selectors.EVENT_READ, self.read)

    def end(self):
        loop.unregister(self.sock)
        self.sock.close()

    def read(self):
        data, ancillary, _, peer = self.sock.recvmsg(65536, 512)
        answer = self.answer(data, peer, ancillary)
        if answer is not None:
            self.reply(answer, peer, ancillary)

    def reply(self, answer, peer, ancillary):
        """From the address that was asked."""
        info = [(level, kind, bytes(4) + value[4:8] + bytes(4)) for level, kind, value in ancillary if kind == 8]
        info += [(level, kind, value[:16] + bytes(4)) for level, kind, value in ancillary if kind == socket.IPV6_PKTINFO]
        info = info[:1]
        try:
            self.sock.sendmsg([answer], info, 0, peer)
        except OSError:
            pass

    def answer(self, data, peer, ancillary):
        known = answers(self.server)
        if not self.server.endswith(' 53'):
            found = known.get(base64.b64encode(data).decode())
            return base64.b64decode(found['bytes']) if found else None
        question = question_of(data)
        found = known.get(base64.b64encode(question).decode())
        if found:
            return data[:2] + base64.b64decode(found['bytes'])
        upstream = table['forward'].get(self.netns)
        if upstream and not name_of(question).endswith('cluster.local'):
            return self.forward(data, upstream, peer, ancillary)
        return data[:2] + struct.pack('>HHHHH', 0x8503, 1, 0, 0, 0) + data[12:12 + len(question)]

    def forward(self, data, upstream, peer, ancillary):
        enter(self.netns)
        sock = socket.socket(family_of(upstream), socket.SOCK_DGRAM)
        sock.connect((upstream, 53))
        sock.send(data)

        def heard():
            loop.unregister(sock)
            try:
                self.reply(sock.recv(65536), peer, ancillary)
            except OSError:
                pass
            sock.close()

        loop.register(sock, selectors.EVENT_READ, heard)


class Listener:
    def __init__(self, sock, server):
        self.sock, self.server = sock, server
        loop.register(sock, selectors.EVENT_READ, self.read)
        self.connections = []

    def read(self):
        self.connections = [one for one in self.connections if one.sock is not None]
        self.connections.append(Connection(self.sock.accept()[0], self.server))

    def end(self):
        loop.unregister(self.sock)
        self.sock.close()
        for connection in self.connections:
            connection.end()


def family_of(ip):
    return socket.AF_INET6 if ':' in ip else socket.AF_INET


def open_server(netns, protocol, ip, port, *only):
    close_server(netns, protocol, ip, port)
    enter(netns)
    family = family_of(ip)
    sock = socket.socket(family, socket.SOCK_STREAM if protocol == 'tcp' else socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, len(only))
    sock.bind((ip, int(port)))
    server = ' '.join((netns, protocol, port))
    if protocol == 'tcp':
        sock.listen(4096)
        servers[netns, protocol, ip, port] = Listener(sock, server)
    else:
        servers[netns, protocol, ip, port] = Datagrams(sock, server, netns)


def close_server(netns, protocol, ip, port, *only):
    server = servers.pop((netns, protocol, ip, port), None)
    if server is not None:
        server.end()


def no_offload(name):
    """Frames as they would be on a wire: no segments joined or left whole, checksums in place."""
    control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for index, device in socket.if_nameindex():
        if seen_devices.get((name, index)) == device:
            continue
        seen_devices[name, index] = device
        for command in (0x2c, 0x24, 0x1f, 0x17, 0x15):
            value = ctypes.create_string_buffer(struct.pack('II', command, 0))
            request = struct.pack('16sP', device.encode(), ctypes.addressof(value)).ljust(40, b'\0')
            try:
                fcntl.ioctl(control, 0x8946, request)
            except OSError:
                pass
    control.close()


def look_around():
    names = {os.path.basename(path)[len(prefix):] for path in glob.glob('/run/netns/' + prefix + '*')}
    for name in [name for name in watched if name not in names]:
        watched.pop(name).close()
    for name in names:
        enter(name)
        no_offload(name)
        if capture['file'] is not None and name not in watched:
            watched[name] = Watch(name)


class Watch:
    """Every interface of a namespace, through a ring that has each frame as it was at that moment (packet(7), TPACKET_V2)."""

    SIZE, COUNT = 16384, 256

    def __init__(self, name):
        self.name, self.next = name, 0
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.setsockopt(socket.SOL_SOCKET, 35, 1)
        self.sock.setsockopt(263, 10, 1)
        self.sock.setsockopt(263, 5, struct.pack('IIII', self.SIZE, self.COUNT, self.SIZE, self.COUNT))
        self.ring = mmap.mmap(self.sock.fileno(), self.SIZE * self.COUNT)
        loop.register(self.sock, selectors.EVENT_READ, self.read)

    def close(self):
        self.read()
        loop.unregister(self.sock)
        self.ring.close()
        self.sock.close()

    def read(self):
        while True:
            at = self.next * self.SIZE
            status, _, length, start, _, seconds, nanoseconds = struct.unpack_from('IIIHHII', self.ring, at)
            if not status & 1:
                return
            index, hardware, kind = struct.unpack_from('iHB', self.ring, at + 36)
            data = self.ring[at + start:at + start + length]
            struct.pack_into('I', self.ring, at, 0)
            self.next = (self.next + 1) % self.COUNT
            # A tunnel without a link layer gets an empty one, so that all interfaces are of one kind.
            if hardware not in (1, 772):
                data = bytes(12) + (b'\x86\xdd' if data[:1] >= b'\x60' else b'\x08\x00') + data
            frames = capture['frames']
            stamp = seconds * 10**9 + nanoseconds
            frames.append((stamp, len(frames), self.name, self.device(index), 2 if kind == 4 else 1, data))

    def device(self, index):
        if (self.name, index) not in seen_devices:
            try:
                enter(self.name)
                no_offload(self.name)
            except OSError:
                pass
        return seen_devices.get((self.name, index), str(index))


def block(kind, body):
    size = struct.pack('<I', len(body) + 12)
    return struct.pack('<I', kind) + size + body + size


def option(code, value):
    return struct.pack('<HH', code, len(value)) + value + bytes(-len(value) % 4)


def write_capture():
    """pcapng, as podwalk run --capture writes it: one interface block for each interface."""
    for watch in watched.values():
        watch.read()
    path, frames = capture['file'], sorted(capture['frames'])
    capture['frames'] = []
    if path is None:
        return
    interfaces = {}
    with open(path, 'wb') as out:
        out.write(block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1)))
        for _, _, name, device, _, _ in frames:
            if (name, device) not in interfaces:
                interfaces[name, device] = len(interfaces)
                about = option(2, (name.replace('+', '/') + ':' + device).encode()) + option(9, b'\x09') + bytes(4)
                out.write(block(1, struct.pack('<HHI', 1, 0, 0) + about))
        for stamp, _, name, device, direction, data in frames:
            head = struct.pack('<IIIII', interfaces[name, device], stamp >> 32, stamp & 0xffffffff, len(data), len(data))
            tail = option(2, struct.pack('<I', direction)) + bytes(4)
            out.write(block(6, head + data + bytes(-len(data) % 4) + tail))


def obey(line):
    command, *words = line.split()
    if command == 'open':
        open_server(*words)
    elif command == 'close':
        close_server(*words)
    elif command == 'capture':
        write_capture()
        capture['file'] = words[0]
    elif command == 'done':
        look_around()
        os.write(said, b'ok\n')
    elif command == 'stop':
        write_capture()
        os.write(said, b'ok\n')
        sys.exit(0)


pending = b''


def listen():
    global pending
    pending += os.read(asked, 65536)
    *lines, pending = pending.split(b'\n')
    for line in lines:
        try:
            obey(line.decode())
        except OSError as error:
            print('podwalk: %s: %s' % (line.decode(), error), file=sys.stderr)


asked = os.open(work + '/asked', os.O_RDWR)
said = os.open(work + '/said', os.O_RDWR)
loop.register(asked, selectors.EVENT_READ, listen)
while True:
    for key, _ in loop.select():
        # One that another's turn has closed has no turn any more.
        if loop.get_map().get(key.fd) is not key:
            continue
        try:
            key.data()
        except Exception as error:
            print('podwalk: %r' % error, file=sys.stderr)
`;
