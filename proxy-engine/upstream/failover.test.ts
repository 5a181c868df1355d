import { randomBytes } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { createPracticeParent, type PracticeParent } from '../practice/practice-parent.ts';
import type { ParentConfig } from '../protocol.ts';
import { createCertificate, type Certificate } from '../testing/certificate.ts';
import {
  createStand,
  endpointOf,
  eventually,
  USER,
  type Stand,
  type StandOptions,
} from '../testing/engine-stand.ts';
import { statusOf } from '../testing/read-messages.ts';
import { connectRequest, getRequest, postRequest, verdictOf } from '../testing/requests.ts';
import { receivedBy } from '../testing/sign-in-record.ts';
import { listenTcp } from '../testing/tcp-server.ts';

const BODY = randomBytes(200_000);
const TIMERS = { connect: 1000, connectPerAddress: 1000, parentRecheck: 30 };

async function start(options: StandOptions = {}): Promise<Stand> {
  const stand = await createStand({ timers: TIMERS, ...options });
  onTestFinished(() => stand.close());
  return stand;
}

async function startParent(port?: number): Promise<PracticeParent> {
  const parent = await createPracticeParent({ users: [USER], ...(port !== undefined && { port }) });
  onTestFinished(() => parent.close());
  return parent;
}

/** A port of loopback that nobody listens at. */
async function closedPort(): Promise<number> {
  const server = await listenTcp(() => undefined);
  await server.close();
  return server.port;
}

/** A parent that gets as far as the TLS handshake. */
async function startTls(pair: Certificate, isTrusted: boolean): Promise<ParentConfig> {
  const server = await listenTcp((socket) => {
    const secure = new TLSSocket(socket, { isServer: true, ...pair });
    secure.on('error', () => undefined);
  });
  onTestFinished(() => server.close());
  return { ...endpointOf(server), tls: isTrusted ? { ca: pair.cert } : {} };
}

async function ask(stand: Stand, request: string | Buffer): Promise<string> {
  return verdictOf(await (await stand.connect()).ask(request));
}

/** Ways in which a parent cannot be had. A name this long is refused without asking anybody. */
const UNREACHABLE: readonly (readonly [string, string, () => Promise<ParentConfig>])[] = [
  ['refuses', 'parent-refused', async () => endpointOf({ port: await closedPort() })],
  [
    'has an unknown name',
    'parent-not-found',
    async () => ({ host: `${'a'.repeat(64)}.invalid`, port: 8080 }),
  ],
  ['has a certificate nobody trusts', 'parent-tls', () => startTls(createCertificate(), false)],
  [
    'has the certificate of another',
    'parent-tls',
    () => startTls(createCertificate('DNS:elsewhere.example'), true),
  ],
  [
    'never answers the TLS handshake',
    'parent-tls',
    async () => {
      const server = await listenTcp((socket) => void socket.resume());
      onTestFinished(() => server.close());
      return { ...endpointOf(server), tls: {} };
    },
  ],
  [
    'answers the TLS handshake with something else',
    'parent-tls',
    async () => {
      const server = await listenTcp((socket) => void socket.end('HTTP/1.1 400 Bad\r\n\r\n'));
      onTestFinished(() => server.close());
      return { ...endpointOf(server), tls: {} };
    },
  ],
];

test.for(UNREACHABLE)('the next parent serves where the first %s', async ([, , create]) => {
  const stand = await start();
  const { authority } = stand.origin;
  await stand.engine.apply(
    stand.configure({ parents: [await create(), endpointOf(stand.parent)] }),
  );
  expect(await ask(stand, getRequest(authority))).toBe('200');
  expect(await ask(stand, connectRequest(authority))).toBe('200');
  expect(await ask(stand, postRequest(authority, BODY))).toBe('200');
  expect(receivedBy(stand.origin)).toEqual(['GET 0', 'POST 200000']);
});

test.for(UNREACHABLE)('the error names a parent that %s', async ([, code, create]) => {
  const stand = await start();
  const parent = await create();
  await stand.engine.apply(stand.configure({ parents: [parent] }));
  const client = await stand.connect();
  for (const request of [getRequest, connectRequest]) {
    const reply = await client.ask(request(stand.origin.authority));
    expect(verdictOf(reply)).toBe(`502 ${code}`);
    expect(reply.body.toString()).toContain(`${parent.host}:${parent.port}`);
  }
  expect(client.ended).toBe('open');
});

test('once it is known to be down nobody waits for the first parent', async () => {
  const stand = await start();
  const silent = await listenTcp((socket) => void socket.resume());
  onTestFinished(() => silent.close());
  const first = { ...endpointOf(silent), tls: {} };
  await stand.engine.apply(stand.configure({ parents: [first, endpointOf(stand.parent)] }));
  expect(await ask(stand, getRequest(stand.origin.authority))).toBe('200');
  const from = performance.now();
  for (let index = 0; index < 20; index += 1) {
    expect(await ask(stand, connectRequest(stand.origin.authority))).toBe('200');
  }
  expect(performance.now() - from).toBeLessThan(TIMERS.connect);
});

test('the first parent serves again once it is back', async () => {
  const stand = await start();
  const { authority } = stand.origin;
  const port = await closedPort();
  await stand.engine.apply(
    stand.configure({ parents: [endpointOf({ port }), endpointOf(stand.parent)] }),
  );
  expect(await ask(stand, getRequest(authority))).toBe('200');
  const first = await startParent(port);
  // The background look is a connection without a request.
  await eventually(() => first.stats.connections > 0);
  const before = stand.parent.stats.requests.length;
  expect(await ask(stand, getRequest(authority))).toBe('200');
  expect(first.stats.accepted).toBe(1);
  expect(stand.parent.stats.requests.length).toBe(before);
});

test('a parent that dies while the other is down is not the end while one lives', async () => {
  const stand = await start();
  const { authority } = stand.origin;
  const port = await closedPort();
  await stand.engine.apply(
    stand.configure({ parents: [endpointOf({ port }), endpointOf(stand.parent)] }),
  );
  expect(await ask(stand, getRequest(authority))).toBe('200');
  const first = await startParent(port);
  await stand.parent.close();
  expect(await ask(stand, getRequest(authority))).toBe('200');
  expect(first.stats.accepted).toBe(1);
  await stand.replaceParent({}).catch(() => undefined);
});

test('with all parents down the error is the last one’s, and both are asked each time', async () => {
  const stand = await start();
  const parents = [
    endpointOf({ port: await closedPort() }),
    endpointOf({ port: await closedPort() }),
  ];
  await stand.engine.apply(stand.configure({ parents }));
  const client = await stand.connect();
  for (let round = 0; round < 3; round += 1) {
    const reply = await client.ask(getRequest(stand.origin.authority));
    expect(verdictOf(reply)).toBe('502 parent-refused');
    expect(reply.body.toString()).toMatch(new RegExp(parents.map(({ port }) => port).join('|')));
  }
  const revived = await startParent(parents[1]?.port);
  expect(await ask(stand, getRequest(stand.origin.authority))).toBe('200');
  expect(revived.stats.accepted).toBe(1);
});

test('the only parent is asked again by each request', async () => {
  const stand = await start();
  const port = await closedPort();
  await stand.engine.apply(stand.configure({ parents: [endpointOf({ port })] }));
  const client = await stand.connect();
  expect(verdictOf(await client.ask(getRequest(stand.origin.authority)))).toBe(
    '502 parent-refused',
  );
  await startParent(port);
  expect(verdictOf(await client.ask(getRequest(stand.origin.authority)))).toBe('200');
});

test('“parents if reachable” goes direct while none is, and back', async () => {
  const stand = await start();
  const { authority } = stand.origin;
  const port = await closedPort();
  await stand.engine.apply(
    stand.configure({ route: 'parents-if-reachable', parents: [endpointOf({ port })] }),
  );
  expect(await ask(stand, getRequest(authority))).toBe('200');
  expect(await ask(stand, connectRequest(authority))).toBe('200');
  expect(await ask(stand, postRequest(authority, BODY))).toBe('200');
  expect(receivedBy(stand.origin)).toEqual(['GET 0', 'POST 200000']);

  const parent = await startParent(port);
  await eventually(() => parent.stats.connections > 0);
  expect(await ask(stand, getRequest(authority))).toBe('200');
  expect(parent.stats.accepted).toBe(1);
});

test('“parents if reachable” does not go direct because a parent says no', async () => {
  const stand = await start({ password: 'wrong' });
  await stand.engine.apply(stand.configure({ route: 'parents-if-reachable' }));
  expect(await ask(stand, getRequest(stand.origin.authority))).toBe('502 credentials-rejected');
  expect(receivedBy(stand.origin)).toEqual([]);
});

test('what a parent answers is an answer, even a 503 to an upload', async () => {
  const stand = await start();
  const other = await startParent();
  const nowhere = `127.0.0.1:${await closedPort()}`;
  await stand.engine.apply(
    stand.configure({ parents: [endpointOf(stand.parent), endpointOf(other)] }),
  );
  for (const request of [
    getRequest(nowhere),
    postRequest(nowhere, BODY),
    connectRequest(nowhere),
  ]) {
    const reply = await (await stand.connect()).ask(request);
    expect(verdictOf(reply)).toBe('503');
  }
  expect(await ask(stand, getRequest(stand.origin.authority))).toBe('200');
  expect(other.stats.connections).toBe(0);
});

test('an upload that has begun is not sent to another parent', async () => {
  const stand = await start();
  const dying = await listenTcp((socket) => {
    let seen = 0;
    socket.on('data', (bytes: Buffer) => {
      seen += bytes.length;
      if (seen > 1000) socket.resetAndDestroy();
    });
  });
  onTestFinished(() => dying.close());
  await stand.engine.apply(
    stand.configure({
      parents: [endpointOf(dying), endpointOf(stand.parent)],
      auth: { scheme: 'none', dialect: 'ntlmv2' },
    }),
  );
  expect(await ask(stand, postRequest(stand.origin.authority, BODY))).toBe('502 reply-incomplete');
  expect(stand.parent.stats.connections).toBe(0);
});

test('a request without a body goes to the next parent when the first one drops it', async () => {
  const stand = await start();
  const dropping = await listenTcp((socket) => {
    socket.on('data', () => void socket.resetAndDestroy());
  });
  onTestFinished(() => dropping.close());
  await stand.engine.apply(
    stand.configure({ parents: [endpointOf(dropping), endpointOf(stand.parent)] }),
  );
  expect(await ask(stand, getRequest(stand.origin.authority))).toBe('200');
  expect(await ask(stand, connectRequest(stand.origin.authority))).toBe('200');
});

test('a parent that takes requests and never answers is given up after its time', async () => {
  const stand = await start({ timers: { ...TIMERS, reply: 200, head: 100 } });
  const { authority } = stand.origin;
  const silent = await listenTcp((socket) => void socket.resume());
  onTestFinished(() => silent.close());
  await stand.engine.apply(stand.configure({ parents: [endpointOf(silent)] }));
  expect(await ask(stand, getRequest(authority))).toBe('504 reply-timeout');
  await stand.engine.apply(
    stand.configure({ parents: [endpointOf(silent), endpointOf(stand.parent)] }),
  );
  expect(await ask(stand, getRequest(authority))).toBe('200');
  expect(await ask(stand, connectRequest(authority))).toBe('200');
});

test('a parent over TLS is spoken to by name, with channel bindings and the right SPN', async () => {
  const tls = createCertificate();
  const parent = await createPracticeParent({ users: [USER], tls });
  onTestFinished(() => parent.close());
  const stand = await start();
  await stand.engine.apply(
    stand.configure({ parents: [{ host: 'localhost', port: parent.port, tls: { ca: tls.cert } }] }),
  );
  const { authority } = stand.origin;
  expect(await ask(stand, postRequest(authority, BODY))).toBe('200');
  expect(await ask(stand, connectRequest(authority))).toBe('200');
  expect(statusOf(await (await stand.connect()).ask(getRequest(authority)))).toBe(200);
  expect(receivedBy(stand.origin)).toEqual(['POST 200000', 'GET 0']);
  const [signIn] = parent.stats.signIns;
  expect(signIn).toMatchObject({ accepted: true, mic: true, spn: 'HTTP/localhost' });
  expect(signIn?.channelBindings).toMatch(/^[0-9a-f]{32}$/);
});
