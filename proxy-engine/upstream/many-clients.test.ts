import { expect, onTestFinished, test } from 'vitest';
import type { Quirks } from '../practice/quirks.ts';
import { createStand, endpointOf, eventually, type Stand } from '../testing/engine-stand.ts';
import { createHoldingRelay } from '../testing/holding-relay.ts';
import { fieldOf, readRequests, statusOf } from '../testing/read-messages.ts';
import { getRequest, postRequest, verdictOf } from '../testing/requests.ts';

const CLIENTS = 60;
const ROUNDS = 15;

async function start(quirks: Partial<Quirks>): Promise<Stand> {
  const stand = await createStand({ quirks });
  onTestFinished(() => stand.close());
  stand.origin.answerWith((request) => {
    const [, path = ''] = request.start.split(' ');
    const body = `${path} ${request.body.toString()}`;
    return `HTTP/1.1 200 OK\r\nX-Path: ${path}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  return stand;
}

/** Every path the origin was asked for, with how often. */
function countPaths({ origin }: Stand): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { bytes } of origin.connections) {
    for (const { start: line, body } of readRequests(bytes()).messages) {
      const key = `${line.split(' ')[1]} ${body.toString()}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

const PARENTS: readonly (readonly [string, Partial<Quirks>])[] = [
  ['keeps connections', {}],
  ['wants a sign-in after every third request', { rechallengeAfter: 3 }],
  ['lets a Type 1 through', { openToType1: true }],
];

test.for(PARENTS)(
  'each of many requests gets its own answer and arrives once, where the parent %s',
  { timeout: 30_000 },
  async ([, quirks]) => {
    const stand = await start(quirks);
    const { authority } = stand.origin;
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, number) => {
        const client = await stand.connect();
        for (let round = 0; round < ROUNDS; round += 1) {
          const path = `/${number}/${round}`;
          const reply = await client.ask(getRequest(authority, path));
          expect([statusOf(reply), fieldOf(reply, 'X-Path')]).toEqual([200, path]);
        }
      }),
    );
    const counts = countPaths(stand);
    expect(counts.size).toBe(CLIENTS * ROUNDS);
    expect([...counts].filter(([, count]) => count !== 1)).toEqual([]);
    expect(stand.parent.stats.refusals).toBe(0);
  },
);

test('uploads of many clients arrive once each, whole', { timeout: 30_000 }, async () => {
  const stand = await start({});
  const { authority } = stand.origin;
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, number) => {
      const client = await stand.connect();
      for (let round = 0; round < ROUNDS; round += 1) {
        const body = Buffer.from(`${number}/${round} `.repeat(1 + ((number * 97) % 400)));
        const reply = await client.ask(postRequest(authority, body));
        expect(statusOf(reply)).toBe(200);
        expect(reply.body.toString()).toBe(`/post ${body.toString()}`);
      }
    }),
  );
  const counts = countPaths(stand);
  expect(counts.size).toBe(CLIENTS * ROUNDS);
  expect([...counts].filter(([, count]) => count !== 1)).toEqual([]);
});

test(
  'clients that leave at any moment take no answer from the others',
  { timeout: 30_000 },
  async () => {
    const stand = await start({});
    const { authority } = stand.origin;
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, number) => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const path = `/${number}/${round}`;
          const client = await stand.connect();
          if (number % 3 === 0) {
            client.socket.write(getRequest(authority, path));
            for (let turn = 0; turn < (round * number) % 7; turn += 1) {
              await new Promise((resolve) => setImmediate(resolve));
            }
            client.socket.resetAndDestroy();
            continue;
          }
          const reply = await client.ask(getRequest(authority, path));
          expect([statusOf(reply), fieldOf(reply, 'X-Path')]).toEqual([200, path]);
          client.socket.destroy();
        }
      }),
    );
    expect([...countPaths(stand)].filter(([, count]) => count !== 1)).toEqual([]);
    expect(stand.parent.stats.refusals).toBe(0);
  },
);

test('a client that leaves during its sign-in leaves no dead connection to the next', async () => {
  const stand = await start({});
  const relay = await createHoldingRelay(stand.parent.port);
  onTestFinished(() => relay.close());
  await stand.engine.apply(stand.configure({ parents: [endpointOf(relay)] }));
  relay.hold();
  const leaving = await stand.connect();
  leaving.socket.write(getRequest(stand.origin.authority));
  await eventually(() => relay.proofs === 1);
  const waiting = await stand.connect();
  const answered = waiting.ask(postRequest(stand.origin.authority, Buffer.from('an upload')));
  leaving.socket.resetAndDestroy();
  await eventually(() => leaving.socket.destroyed && stand.parent.stats.accepted === 1);
  // Whoever is answered after the reset has come knows that the engine has seen it.
  for (let round = 0; round < 3; round += 1) {
    const other = await stand.connect();
    expect(statusOf(await other.ask('OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n'))).toBe(204);
  }
  relay.release();
  expect(verdictOf(await answered)).toBe('200');
});
