import { afterEach, expect, test } from 'vitest';
import { setImmediate } from 'node:timers/promises';
import { exchangeRaw } from '#engine/testing/raw-client.ts';
import { fieldOf, readReplies, statusOf } from '#engine/testing/read-messages.ts';
import type { EngineConfig } from '#engine/protocol.ts';
import { ask, GET } from './ask.ts';
import {
  asks,
  asksWith,
  challenge,
  createSignInStand,
  OK,
  usual,
  type Leg,
  type SignInStand,
} from './scripted-parent.ts';

let stand: SignInStand | undefined;

afterEach(async () => {
  await stand?.close();
  stand = undefined;
});

async function start(
  script: (leg: Leg) => string | undefined,
  config?: Partial<EngineConfig>,
): Promise<SignInStand> {
  stand = await createSignInStand(script, config);
  return stand;
}

const token = challenge().toString('base64');

test('N9 the parent closes with its first challenge: the sign-in begins anew on another connection', async () => {
  const { engine, legs, proofs } = await start((leg) => {
    if (leg.type === 1 && leg.connectionIndex === 0) {
      queueMicrotask(() => leg.connection.socket.end());
      return asksWith(challenge(), 'Connection: close\r\n');
    }
    return usual(leg);
  });
  expect((await ask(engine.port)).status).toBe(200);
  expect(proofs()).toBe(1);
  expect(legs.at(-1)?.connectionIndex).toBe(1);
});

test('N9 one that always does is given up after a few connections', async () => {
  const { engine, legs, proofs } = await start(() =>
    asksWith(challenge(), 'Connection: close\r\n'),
  );
  const answer = await ask(engine.port);
  expect([answer.status, proofs()]).toEqual([502, 0]);
  expect(new Set(legs.map(({ connectionIndex }) => connectionIndex)).size).toBeLessThanOrEqual(4);
});

test('N10 the parent ends the connection behind its challenge: another one is tried', async () => {
  const { engine, proofs } = await start((leg) => {
    if (leg.type === 1 && leg.connectionIndex === 0) {
      leg.connection.socket.end(Buffer.from(asksWith(challenge()), 'latin1'));
      return undefined;
    }
    return usual(leg);
  });
  expect((await ask(engine.port)).status).toBe(200);
  expect(proofs()).toBeLessThanOrEqual(2);
});

test('N10 one that always does is given up, and few proofs are lost on it', async () => {
  const { engine, proofs } = await start((leg) => {
    leg.connection.socket.end(Buffer.from(asksWith(challenge()), 'latin1'));
    return undefined;
  });
  expect((await ask(engine.port)).status).toBe(502);
  expect(proofs()).toBeLessThanOrEqual(2);
});

test('N11 a refused password is sent once, whatever comes after', async () => {
  const { engine, proofs } = await start((leg) =>
    leg.type === 1 ? asksWith(challenge()) : asks('Proxy-Authenticate: NTLM\r\n'),
  );
  const first = await Promise.all(Array.from({ length: 20 }, () => ask(engine.port)));
  for (let more = 0; more < 20; more += 1) first.push(await ask(engine.port));
  expect(new Set(first.map(({ status }) => status))).toEqual(new Set([502]));
  expect(proofs()).toBe(1);
  expect(engine.events.filter(({ type }) => type === 'credential-rejected')).toHaveLength(1);
});

test('N12 a challenge after each proof ends at the second', async () => {
  const { engine, proofs } = await start(() => asksWith(challenge()));
  expect((await ask(engine.port)).status).toBe(502);
  expect(proofs()).toBeLessThanOrEqual(2);
  await ask(engine.port);
  expect(proofs()).toBeLessThanOrEqual(2);
});

test('N13 a session that expires is signed in to once more', async () => {
  const { engine, proofs } = await start((leg) =>
    leg.type === 0 && leg.index === 2 && leg.connectionIndex === 0
      ? asks('Proxy-Authenticate: NTLM\r\n')
      : usual(leg),
  );
  expect([(await ask(engine.port)).status, (await ask(engine.port)).status]).toEqual([200, 200]);
  expect(proofs()).toBe(2);
});

test('N13 one that expires at once every time fails, and soon', async () => {
  const { engine, proofs } = await start((leg) => {
    if (leg.type === 1) return asksWith(challenge());
    return leg.type === 3 && leg.connectionIndex === 0 ? OK : asks('Proxy-Authenticate: NTLM\r\n');
  });
  expect([(await ask(engine.port)).status, (await ask(engine.port)).status]).toEqual([200, 502]);
  expect(proofs()).toBe(2);
});

const HEAD_407 = `HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM ${token}\r\n`;
const LARGE = 'x'.repeat(10 * 1024 * 1024);
test.for([
  ['a length', `${HEAD_407}Content-Length: 5\r\n\r\nhello`, false],
  ['no body', `${HEAD_407}Content-Length: 0\r\n\r\n`, false],
  ['chunks', `${HEAD_407}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, false],
  [
    'a megabyte of chunks',
    `${HEAD_407}Transfer-Encoding: chunked\r\n\r\n${`1000\r\n${'x'.repeat(4096)}\r\n`.repeat(100)}0\r\n\r\n`,
    false,
  ],
  ['the close', `${HEAD_407}\r\nhello`, true],
  ['ten megabytes', `${HEAD_407}Content-Length: ${LARGE.length}\r\n\r\n${LARGE}`, false],
] as const)('N14 a challenge whose page is framed by %s', async ([, reply, ends]) => {
  const { engine, proofs } = await start((leg) => {
    if (leg.type !== 1 || leg.connectionIndex > 0) return usual(leg);
    if (ends)
      setImmediate().then(
        () => leg.connection.socket.end(),
        () => undefined,
      );
    return reply;
  });
  expect((await ask(engine.port)).status).toBe(200);
  expect(proofs()).toBe(1);
});

test('N15 a parent that wants no sign-in is served without one, also later', async () => {
  const { engine, legs, proofs } = await start(() => OK);
  expect([(await ask(engine.port)).status, (await ask(engine.port)).status]).toEqual([200, 200]);
  expect(proofs()).toBe(0);
  expect(new Set(legs.map(({ connectionIndex }) => connectionIndex)).size).toBe(1);
});

const BODY = 'body '.repeat(20_000);
const post = (lines: string): string =>
  `POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\n${lines}\r\n`;
test.for([
  ['a length', post(`Content-Length: ${BODY.length}\r\n`) + BODY],
  [
    'chunks',
    `${post('Transfer-Encoding: chunked\r\n')}${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`,
  ],
  ['an expectation', post(`Content-Length: ${BODY.length}\r\nExpect: 100-continue\r\n`) + BODY],
])('N16, F14 the body of a POST with %s leaves once, with the proof', async ([, text = '']) => {
  const { engine, legs } = await start(usual);
  expect((await ask(engine.port, text, 'POST')).status).toBe(200);
  expect(legs.map(({ type, request }) => [type, request.body.length])).toEqual([
    [1, 0],
    [3, BODY.length],
  ]);
  expect(legs[1]?.request.body.toString()).toBe(BODY);
  expect(legs[0]?.request.start.startsWith('POST') && legs[0].request.framing === 'chunked').toBe(
    false,
  );
});

test('N16 a POST to a parent that wants no sign-in never arrives empty', async () => {
  const { engine, legs } = await start(() => OK);
  expect(
    (await ask(engine.port, post(`Content-Length: ${BODY.length}\r\n`) + BODY, 'POST')).status,
  ).toBe(200);
  const posts = legs.filter(({ request }) => request.start.startsWith('POST'));
  expect(posts.map(({ request }) => request.body.length)).toEqual([BODY.length]);
});

test('N17 a redirect of the parent is passed on, and nobody else hears of the credential', async () => {
  const { engine, parent } = await start(
    () => 'HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n',
  );
  const answer = await ask(engine.port);
  expect(answer.status).toBe(302);
  expect(parent.connections).toHaveLength(1);
});

test("N18 the client's own Proxy-Authorization is replaced by ours", async () => {
  const { engine, legs } = await start(usual);
  for (const value of [
    'Basic ***',
    'Basic eDp5',
    `Basic ${'x'.repeat(5000)}`,
    'NTLM TlRM',
    'CORP\\user',
  ]) {
    await ask(engine.port, GET.replace('\r\n\r\n', `\r\nProxy-Authorization: ${value}\r\n\r\n`));
  }
  const sent = legs.flatMap(({ request }) => fieldOf(request, 'Proxy-Authorization') ?? []);
  for (const value of sent) expect(value).toMatch(/^NTLM TlRMTVNTUAA[BD]/);
});

test('H4 early bytes of a tunnel survive the sign-in, and leave once', async () => {
  const { engine, parent, legs } = await start((leg) =>
    leg.type === 3 ? 'HTTP/1.1 200 Connection established\r\n\r\n' : asksWith(challenge()),
  );
  let tunnelled = '';
  parent.watchWith(({ socket }, bytes) => {
    if (!legs.some(({ type }) => type === 3)) return;
    tunnelled += bytes.toString('latin1');
    socket.write(Buffer.from(`echo:${bytes.toString('latin1')}`, 'latin1'));
  });
  const text = 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n\x16\x03early';
  const answer = await exchangeRaw(engine.port, [Buffer.from(text, 'latin1')], {
    until: (got) => got.toString('latin1').includes('early'),
  });
  const { messages, rest } = readReplies(answer.bytes, ['CONNECT'], false);
  expect([messages.map(statusOf), rest.toString('latin1')]).toEqual([[200], 'echo:\x16\x03early']);
  expect(tunnelled).toBe('\x16\x03early');
  expect(legs.map(({ type }) => type)).toEqual([1, 3]);
});

test('H6 a CONNECT with a refused password gets 502, and one proof left', async () => {
  const { engine, proofs } = await start((leg) =>
    leg.type === 1 ? asksWith(challenge()) : asks('Proxy-Authenticate: NTLM\r\n'),
  );
  const text = 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n';
  expect((await ask(engine.port, text, 'CONNECT')).status).toBe(502);
  expect((await ask(engine.port, text, 'CONNECT')).status).toBe(502);
  expect(proofs()).toBe(1);
});

test('E25 chunks for a parent of HTTP/1.0 are held until their length is known', async () => {
  const { engine, legs } = await start(
    () => OK.replace('1.1', '1.0').replace('OK\r\n', 'OK\r\nConnection: keep-alive\r\n'),
    {
      auth: { scheme: 'none', dialect: 'ntlmv2' },
    },
  );
  await ask(engine.port);
  const text = `${post('Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`;
  expect((await ask(engine.port, text, 'POST')).status).toBe(200);
  expect(legs[1]?.request).toMatchObject({ framing: 'length' });
  expect(legs[1]?.request.body.toString()).toBe('hello world');
  const large = `${post('Transfer-Encoding: chunked\r\n')}${`10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(20)}0\r\n\r\n`;
  const answer = await exchangeRaw(engine.port, [Buffer.from(large)]);
  const [reply] = readReplies(answer.bytes, ['POST'], true).messages;
  if (answer.bytes.length > 0) expect([411, 501]).toContain(statusOf(reply));
  expect(legs).toHaveLength(2);
});
