import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type Socket } from 'node:net';
import { exchangeRaw, splitAt, type RawOptions } from '#engine/testing/raw-client.ts';
import { fieldOf, readReplies, statusOf } from '#engine/testing/read-messages.ts';
import { listenTcp } from '#engine/testing/tcp-server.ts';
import { refused, type Case, type Way } from './case.ts';
import { describeCases } from './describe-cases.ts';
import { createTunnelStand, type TunnelStand } from './tunnel-stand.ts';

const WAYS = ['direct', 'parent'] as const;
const connectTo = (target: string): string =>
  `CONNECT ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`;

const CASES: Case[] = [
  ...[
    'name.example',
    'name.example:',
    'name.example:0',
    'name.example:99999',
    'name.example:-1',
    'name.example:1:2',
    'http://name.example:443',
    'name.example:443/',
    'name.example:443/path',
    'u:p@name.example:443',
    'u@name.example:443',
    ':443',
    '[::1:443',
    '[::1]',
    'name.example:44a',
    'name.example:+443',
    'name.example:0443',
    'name..example:443',
    '/',
    '*',
    'name.example:443?q',
    'name.example:443#f',
    'n%61me.example:443',
    'name.example,other:443',
    '[fe80::1%25eth0]:443',
  ].map((target) => refused(`H2 CONNECT ${target}`, connectTo(target))),
  refused('H2 CONNECT with a space in the target', connectTo('name.example :443')),
  refused(
    'H3 CONNECT with a length',
    'CONNECT %A% HTTP/1.1\r\nHost: %A%\r\nContent-Length: 5\r\n\r\nhello',
  ),
  refused(
    'H3 CONNECT with the length 0',
    'CONNECT %A% HTTP/1.1\r\nHost: %A%\r\nContent-Length: 0\r\n\r\n',
  ),
  refused(
    'E8 CONNECT with chunks',
    'CONNECT %A% HTTP/1.1\r\nHost: %A%\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ),
  refused('B3 CONNECT without Host', 'CONNECT %A% HTTP/1.1\r\n\r\n'),
];
describeCases(CASES);

let stand: TunnelStand;
beforeAll(async () => {
  stand = await createTunnelStand();
});
afterAll(() => stand.close());

function open(way: Way, early: string | Buffer, options: RawOptions, cuts: readonly number[] = []) {
  const { authority } = stand.target;
  const head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
  const bytes = Buffer.concat([Buffer.from(head), Buffer.from(early)]);
  return exchangeRaw(stand.engine(way).port, splitAt(bytes, ...cuts), options);
}

/** What came through the tunnel, after the 200 that opened it. */
function tunnelled(bytes: Buffer): Buffer {
  const { messages, rest, problem } = readReplies(bytes, ['CONNECT'], true);
  expect([problem, messages.map(statusOf)]).toEqual([undefined, [200]]);
  return rest;
}

test.for(WAYS)('H1 the 200 has nothing that could end the tunnel (%s)', async (way) => {
  const answer = await open(way, 'x', {
    until: (got) => got.toString('latin1').endsWith('\r\n\r\nx'),
  });
  const [reply] = readReplies(answer.bytes, ['CONNECT'], false).messages;
  expect(statusOf(reply)).toBe(200);
  for (const name of ['Content-Length', 'Transfer-Encoding', 'Connection', 'Proxy-Connection']) {
    expect([name, fieldOf(reply, name)]).toEqual([name, undefined]);
  }
});

test("H1 a CONNECT for the parent names its target, and nothing of the client's credentials", async () => {
  const { authority } = stand.target;
  const head = `CONNECT ${authority} HTTP/1.1\r\nHost: other.example\r\nProxy-Authorization: Basic eDp5\r\nX-Hop: 1\r\nConnection: X-Hop\r\n\r\n`;
  await exchangeRaw(stand.engine('parent').port, [Buffer.from(head)], {
    until: (got) => got.length > 0,
  });
  const sent = stand.heads.at(-1) ?? '';
  expect(sent).toMatch(
    new RegExp(`^CONNECT ${authority} HTTP/1\\.1\\r\\nHost: ${authority}\\r\\n`),
  );
  expect(sent).not.toMatch(/^(?:proxy-authorization|x-hop):/im);
});

test.for(WAYS)(
  'H4 bytes behind the CONNECT arrive exactly once, wherever it is cut (%s)',
  async (way) => {
    const early = 'GET / HTTP/1.1\r\n\r\n\0\xff early';
    const bytes = Buffer.from(early, 'latin1');
    for (const cut of [[], [1], [20], [70, 80], [90]]) {
      const answer = await open(way, bytes, { after: 'fin' }, cut);
      expect(tunnelled(answer.bytes).toString('latin1')).toBe(early);
      expect(answer.ended).toBe('fin');
    }
  },
);

test("H4 bytes behind the CONNECT wait for the parent's 200", async () => {
  stand.grantWith((socket) => {
    let seen = '';
    socket.on('data', (bytes: Buffer) => (seen += bytes.toString('latin1')));
    socket.resume();
    setTimeout(() => {
      const before = seen;
      socket.write(`HTTP/1.1 200 OK\r\n\r\nbefore:${before};`);
      socket.on('data', () => socket.end(`after:${seen}`));
    }, 50);
  });
  const answer = await open('parent', 'early', {});
  stand.grantWith();
  expect(tunnelled(answer.bytes).toString('latin1')).toBe('before:;after:early');
});

const GLUED = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nfirst bytes'],
  ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfirst bytes'],
  [
    'Connection: close',
    'HTTP/1.0 200 OK\r\nConnection: close\r\nProxy-Connection: close\r\n\r\nfirst bytes',
  ],
  ['another 2xx', 'HTTP/1.1 204 No Content\r\n\r\nfirst bytes'],
] as const;
test.for(GLUED)("H5 the parent's 2xx with %s and the tunnel's first bytes", async ([, grant]) => {
  stand.grantWith(grant);
  const answer = await open('parent', ' and early', { after: 'fin' });
  stand.grantWith();
  expect(tunnelled(answer.bytes).toString('latin1')).toBe('first bytes and early');
  const [reply] = readReplies(answer.bytes, ['CONNECT'], true).messages;
  expect(
    reply?.fields.filter(([name]) =>
      /^(?:content-length|transfer-encoding|connection)$/i.test(name),
    ),
  ).toEqual([]);
});

test.for([403, 407, 404, 500, 502, 503])(
  "H6 the parent's %i arrives whole and opens nothing",
  async (status) => {
    const page = `<p>${status}</p>`;
    stand.grantWith(
      `HTTP/1.1 ${status} No\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n\r\n${page}`,
    );
    const answer = await open('parent', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', {});
    stand.grantWith();
    const [reply] = readReplies(answer.bytes, ['CONNECT', 'GET'], answer.ended === 'fin').messages;
    // Without an account a 407 cannot be answered: then the page is our own, with the reason.
    if (status === 407) expect([407, 502]).toContain(statusOf(reply));
    else expect([statusOf(reply), reply?.body.toString()]).toEqual([status, page]);
  },
);

test.for([
  [
    'a 302',
    'HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n',
    302,
  ],
  [
    'a chunked 403',
    'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n',
    403,
  ],
  ['101', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', 502],
  ['garbage', 'SSH-2.0-OpenSSH\r\n\r\n', 502],
  ['a head over the limit', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(200_000)}\r\n\r\n`, 502],
] as const)('H6, H7 the parent answers a CONNECT with %s', async ([, grant, status]) => {
  stand.grantWith(grant);
  const answer = await open('parent', '', {
    until: (got) => readReplies(got, ['CONNECT'], false).messages.some(({ complete }) => complete),
  });
  stand.grantWith();
  expect(readReplies(answer.bytes, ['CONNECT'], true).messages.map(statusOf)).toEqual([status]);
});

test("H7 the parent's 200 in single bytes", async () => {
  stand.grantWith((socket) => {
    const bytes = 'HTTP/1.1 200 OK\r\nX: y\r\n\r\n'.split('');
    const next = (): void => {
      const byte = bytes.shift();
      if (byte === undefined) {
        socket.pipe(socket);
        return;
      }
      socket.write(byte, () => setImmediate(next));
    };
    next();
  });
  const answer = await open('parent', 'hello', { after: 'fin' });
  stand.grantWith();
  expect(tunnelled(answer.bytes).toString('latin1')).toBe('hello');
});

/** Bytes that differ at every place, so that a lost or doubled piece shows. */
function pattern(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32BE(at, at);
  return bytes;
}

test.for(WAYS)('H8 the client ends, and the answer still arrives whole (%s)', async (way) => {
  const reply = pattern(1 << 20);
  stand.serveWith((socket) => {
    let size = 0;
    socket.on('data', (bytes: Buffer) => (size += bytes.length));
    socket.on('end', () => socket.end(Buffer.concat([Buffer.from(`${size};`), reply])));
  });
  const answer = await open(way, pattern(300_000), { after: 'fin' });
  stand.serveWith();
  expect(answer.ended).toBe('fin');
  expect(tunnelled(answer.bytes).equals(Buffer.concat([Buffer.from('300000;'), reply]))).toBe(true);
});

test.for(WAYS)('H8 the target ends, and the client can go on sending (%s)', async (way) => {
  let received: (text: string) => void = () => undefined;
  const all = new Promise<string>((resolve) => {
    received = resolve;
  });
  stand.serveWith((socket) => {
    let text = '';
    socket.end('bye');
    socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
    socket.on('end', () => received(text));
  });
  const { authority } = stand.target;
  const client = connect({ port: stand.engine(way).port, host: '127.0.0.1', allowHalfOpen: true });
  client.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  client.on('end', () => client.end('still here'));
  client.resume();
  expect(await all).toBe('still here');
  stand.serveWith();
});

test.for(WAYS)(
  'H9 the target resets: what came before arrives, then the end at once (%s)',
  async (way) => {
    const before = pattern(64 * 1024);
    let resetAt = 0;
    stand.serveWith((socket: Socket) => {
      socket.write(before, () =>
        setTimeout(() => {
          resetAt = performance.now();
          socket.resetAndDestroy();
        }, 50),
      );
    });
    const answer = await open(way, '', {});
    const late = performance.now() - resetAt;
    stand.serveWith();
    expect(tunnelled(answer.bytes).equals(before)).toBe(true);
    expect(answer.ended).not.toBe('hung');
    expect(late).toBeLessThan(300);
  },
);

test.for(WAYS)('H9 the client resets: the target is told at once (%s)', async (way) => {
  let ended: (at: number) => void = () => undefined;
  const end = new Promise<number>((resolve) => {
    ended = resolve;
  });
  stand.serveWith((socket) => {
    socket.write('hello');
    socket.on('end', () => ended(performance.now()));
    socket.on('close', () => ended(performance.now()));
    socket.resume();
  });
  await open(way, '', { until: (got) => got.toString('latin1').endsWith('hello'), leave: 'reset' });
  const from = performance.now();
  expect((await end) - from).toBeLessThan(300);
  stand.serveWith();
});

test('H11 a target that refuses gets 502 with the reason', async () => {
  const gone = await listenTcp(() => undefined);
  await gone.close();
  const head = `CONNECT ${gone.authority} HTTP/1.1\r\nHost: ${gone.authority}\r\n\r\n`;
  const answer = await exchangeRaw(stand.engine('direct').port, [Buffer.from(head)], {
    until: (got) => readReplies(got, ['GET'], false).messages.some(({ complete }) => complete),
  });
  const [reply] = readReplies(answer.bytes, ['GET'], true).messages;
  expect(statusOf(reply)).toBe(502);
  expect(fieldOf(reply, 'Proxy-Status')).toContain('connection_refused');
});

test('H11 a name that does not resolve gets 502 with the reason', async () => {
  const head = 'CONNECT nothing.invalid:443 HTTP/1.1\r\nHost: nothing.invalid:443\r\n\r\n';
  const answer = await exchangeRaw(stand.engine('direct').port, [Buffer.from(head)], {
    until: (got) => readReplies(got, ['GET'], false).messages.some(({ complete }) => complete),
  });
  const [reply] = readReplies(answer.bytes, ['GET'], true).messages;
  expect(statusOf(reply)).toBe(502);
  expect(fieldOf(reply, 'Proxy-Status')).toContain('dns_error');
});

test.for(WAYS)('H13 a tunnel that carries HTTP with 407 is left alone (%s)', async (way) => {
  const page = 'HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n';
  stand.serveWith((socket) => socket.end(page));
  const answer = await open(way, '', {});
  stand.serveWith();
  expect(tunnelled(answer.bytes).toString('latin1')).toBe(page);
});
