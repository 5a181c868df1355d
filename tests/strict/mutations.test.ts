import fc from 'fast-check';
import { METHODS } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ProxyError } from '#engine/errors.ts';
import { readReplyHead } from '#engine/http1/reply-head.ts';
import { readRequestHead } from '#engine/http1/request-head.ts';
import { exchangeRaw } from '#engine/testing/raw-client.ts';
import { readReplies, readRequests } from '#engine/testing/read-messages.ts';
import { createStand, type Stand } from './stand.ts';

/**
 * Requests with a few bytes changed, through a real engine. They all go to the recording parent,
 * so that a changed digit in an address can never dial anything else.
 */
const WAY = 'parent';
const RUNS = 1500;

const SEEDS = [
  'GET http://%A%/ HTTP/1.1\r\nHost: %A%\r\nAccept: a/b\r\nConnection: keep-alive\r\n\r\n',
  'POST http://%A%/p?q HTTP/1.1\r\nHost: %A%\r\nContent-Length: 5\r\n\r\nhello',
  'POST http://%A%/ HTTP/1.1\r\nHost: %A%\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nX: y\r\n\r\n',
  'PUT http://%A%/ HTTP/1.1\r\nHost: %A%\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok',
  'GET http://%A%/ HTTP/1.0\r\nCookie: a=b\r\nProxy-Connection: keep-alive\r\n\r\n',
  'GET http://%A%/1 HTTP/1.1\r\nHost: %A%\r\n\r\nDELETE http://%A%/2 HTTP/1.1\r\nHost: %A%\r\nContent-Length: 3\r\n\r\nbye',
];
const PIECES = [
  ...'\0 \t\r\n:;,/@#"()[]+-0159aAxX\x7f\x80\xa0\xe9'.split(''),
  '\r\n',
  '\n\n',
  '\r\r\n',
  ' \r\n',
  '\r\n ',
  'Transfer-Encoding: chunked\r\n',
  'chunked, ',
  '0x',
  '0\r\n\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Host: b.example\r\n',
  'HTTP/1.1',
  'Connection: content-length\r\n',
];

const change = fc.record({
  at: fc.nat(1000),
  /** How many bytes are taken away there. */
  drop: fc.constantFrom(0, 0, 0, 1, 1, 2, 7),
  put: fc.oneof(fc.constant(''), fc.constantFrom(...PIECES)),
});
const mutated = (seeds: readonly string[]): fc.Arbitrary<string> =>
  fc
    .record({
      seed: fc.constantFrom(...seeds),
      changes: fc.array(change, { minLength: 1, maxLength: 4 }),
    })
    .map(({ seed, changes }) =>
      changes.reduce((text, { at, drop, put }) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + put + text.slice(place + drop);
      }, seed),
    );

let stand: Stand;
beforeAll(async () => {
  stand = await createStand();
});
afterAll(() => stand.close());

test(
  'whatever is sent on is understood alike by every parser, and nothing hangs',
  { timeout: 120_000 },
  async () => {
    let judged = 0;
    await fc.assert(
      fc.asyncProperty(mutated(SEEDS), async (text) => {
        stand.parent.reset();
        const answer = await exchangeRaw(stand.engine(WAY).port, [stand.fill(text, WAY)], {
          after: 'fin',
        });
        expect(answer.ended).not.toBe('hung');
        const methods = Array<string>(8).fill('GET');
        expect(readReplies(answer.bytes, methods, answer.ended === 'fin').problem).toBeUndefined();
        for (const connection of stand.parent.connections) {
          judged += 1;
          await judge(connection.bytes());
        }
      }),
      { numRuns: RUNS },
    );
    // Enough of it must have been harmless.
    expect(judged).toBeGreaterThan(RUNS / 10);
  },
);

/** Both parsers see exactly the whole messages that we see, and no other one. */
async function judge(bytes: Buffer): Promise<void> {
  const { messages, problem } = readRequests(bytes);
  expect(problem).toBeUndefined();
  const ours = messages
    .filter(({ complete }) => complete)
    .map(
      ({ start, body }) => `${start.split(' ').slice(0, 2).join(' ')} ${body.toString('latin1')}`,
    );
  for (const oracle of stand.oracles) {
    const isUnknown = messages.some(({ start }) => !METHODS.includes(start.split(' ')[0] ?? ''));
    if (oracle.name === 'llhttp' && isUnknown) continue;
    const verdict = await oracle.understand(bytes, true);
    const theirs = verdict.messages.filter(({ complete }) => complete);
    expect([
      oracle.name,
      ...theirs.map(({ method, target, body }) => `${method} ${target} ${body}`),
    ]).toEqual([oracle.name, ...ours]);
  }
}

const REPLY_SEEDS = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\n',
  'HTTP/1.0 407 No\r\nProxy-Authenticate: NTLM\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n',
];

test.for([
  ['request', SEEDS, readRequestHead],
  ['reply', REPLY_SEEDS, readReplyHead],
] as const)(
  'a %s head is read, or refused with a name, in no time',
  { timeout: 60_000 },
  ([, seeds, read]) => {
    const runs = 20_000;
    const from = process.cpuUsage();
    fc.assert(
      fc.property(mutated(seeds), (text) => {
        const end = text.indexOf('\r\n\r\n');
        try {
          read(end < 0 ? `${text}\r\n\r\n` : text.slice(0, end + 4));
        } catch (error) {
          if (!(error instanceof ProxyError)) throw error;
        }
      }),
      { numRuns: runs },
    );
    // On average, making the input included: a single slow head would show in it.
    expect(process.cpuUsage(from).user / runs).toBeLessThan(500);
  },
);
