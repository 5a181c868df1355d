import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import type { Quirks } from '../practice/quirks.ts';
import {
  createStand,
  eventsOf,
  eventually,
  PASSWORD,
  USER,
  type Stand,
} from '../testing/engine-stand.ts';
import { statusOf } from '../testing/read-messages.ts';
import { connectRequest, getRequest, postRequest, verdictOf } from '../testing/requests.ts';
import { countedFor, receivedBy, seenBy, uploadsTo } from '../testing/sign-in-record.ts';

const BODY = randomBytes(200_000);
const WRONG = `not ${PASSWORD}`;
const plainOk = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

interface Options {
  readonly password?: string;
  readonly unclearPause?: number;
}

async function start(
  quirks: Partial<Quirks>,
  { password = PASSWORD, unclearPause = 60_000 }: Options = {},
): Promise<Stand> {
  const stand = await createStand({ quirks, password, timers: { unclearPause } });
  onTestFinished(() => stand.close());
  return stand;
}

async function ask(stand: Stand, request: string | Buffer): Promise<string> {
  return verdictOf(await (await stand.connect()).ask(request));
}

/** How a parent may fail to answer a proof that it has not refused. */
const ONCE: readonly (readonly [string, Partial<Quirks>])[] = [
  ['closes', { closeAfterType3: 1 }],
  ['has forgotten its challenge', { forgetType3: 1 }],
];

test.for(ONCE)('one proof to a parent that %s is repeated and accepted', async ([, quirks]) => {
  for (const [method, request] of [
    ['GET', getRequest],
    ['CONNECT', connectRequest],
  ] as const) {
    const stand = await start(quirks);
    expect(await ask(stand, request(stand.origin.authority))).toBe('200');
    expect(seenBy(stand.parent)).toEqual([
      [`${method} 1`, `${method} 3`],
      [`${method} 1`, `${method} 3`],
    ]);
    expect(eventsOf(stand, 'credential-rejected')).toEqual([]);
    expect(stand.parent.stats.refusals).toBe(0);
  }
});

test.for(ONCE)(
  'an upload waits for the first verdict, so it arrives once behind a parent that %s',
  async ([, quirks]) => {
    const stand = await start(quirks);
    expect(await ask(stand, postRequest(stand.origin.authority, BODY))).toBe('200');
    expect(uploadsTo(stand.origin)).toEqual([BODY]);
    expect(receivedBy(stand.origin)).toEqual(['POST 200000']);
    expect(eventsOf(stand, 'credential-rejected')).toEqual([]);
  },
);

test.for(ONCE)(
  'an upload lost later, with the proof of another connection to a parent that %s, latches nothing',
  async ([, quirks]) => {
    const stand = await start({});
    const { authority } = stand.origin;
    expect(await ask(stand, getRequest(authority))).toBe('200');
    await stand.replaceParent({ quirks });
    const client = await stand.connect();
    const first = verdictOf(await client.ask(postRequest(authority, BODY)));
    expect(first).toMatch(/^502 (?:reply-incomplete|parent-asked-again)$/);
    expect(uploadsTo(stand.origin)).toEqual([]);
    expect(await ask(stand, postRequest(authority, BODY))).toBe('200');
    expect(uploadsTo(stand.origin)).toEqual([BODY]);
    expect(stand.parent.stats.refusals).toBe(0);
    expect(eventsOf(stand, 'credential-rejected')).toEqual([]);
  },
);

test('a password that was right and is wrong costs two proofs where uploads drown the no', async () => {
  const stand = await start({}, { unclearPause: 20 });
  const { authority } = stand.origin;
  expect(await ask(stand, getRequest(authority))).toBe('200');
  const users = [{ ...USER, password: WRONG }];
  await stand.replaceParent({ users, quirks: { body407: 'until-close' } });
  for (let round = 0; round < 10; round += 1) {
    expect((await ask(stand, postRequest(authority, BODY))).slice(0, 3)).toBe('502');
  }
  expect(countedFor(stand.parent)).toBeLessThanOrEqual(2);
  expect(await ask(stand, getRequest(authority))).toBe('502 credentials-rejected');
});

test('two lost proofs make sign-ins rest, without calling the password wrong', async () => {
  const stand = await start({ closeAfterType3: 2 });
  const { authority } = stand.origin;
  expect((await ask(stand, getRequest(authority))).slice(0, 3)).toBe('502');
  const seen = stand.parent.stats.connections;
  for (const request of [
    getRequest(authority),
    connectRequest(authority),
    postRequest(authority, BODY),
  ]) {
    expect(await ask(stand, request)).toBe('502 sign-in-unclear');
  }
  expect(stand.parent.stats.type3).toBe(2);
  expect(stand.parent.stats.connections).toBe(seen);
  expect(eventsOf(stand, 'credential-rejected')).toEqual([]);
});

test('after the rest the next request signs in', async () => {
  const stand = await start({ closeAfterType3: 2 }, { unclearPause: 100 });
  const request = getRequest(stand.origin.authority);
  const end = performance.now() + 3000;
  let verdict = '';
  while (verdict !== '200' && performance.now() < end) verdict = await ask(stand, request);
  expect(verdict).toBe('200');
  expect(stand.parent.stats.type3).toBe(3);
});

test('a person who asks for one more try ends the rest', async () => {
  const stand = await start({ closeAfterType3: 2 });
  const request = getRequest(stand.origin.authority);
  expect((await ask(stand, request)).slice(0, 3)).toBe('502');
  expect(await ask(stand, request)).toBe('502 sign-in-unclear');
  stand.engine.tryAgain('one');
  expect(await ask(stand, request)).toBe('200');
});

test('a parent that only ever closes is sent ever fewer proofs', async () => {
  const stand = await start({ closeAfterType3: 1000 }, { unclearPause: 20, password: WRONG });
  const request = getRequest(stand.origin.authority);
  const end = performance.now() + 400; // twenty of the first rest
  while (performance.now() < end) await ask(stand, request);
  expect(stand.parent.stats.type3).toBeLessThanOrEqual(7);
});

test('clients that give up slow answers keep nobody else from signing in', async () => {
  const stand = await createStand({ timers: { presumedAccepted: 20, drain407: 20 } });
  onTestFinished(() => stand.close());
  const { authority } = stand.origin;
  expect(await ask(stand, getRequest(authority))).toBe('200');
  stand.origin.answerWith((request) => (request.start.includes('/slow') ? undefined : plainOk));
  const clients = await Promise.all(Array.from({ length: 6 }, () => stand.connect()));
  for (const { socket } of clients) socket.write(getRequest(authority, '/slow'));
  await eventually(() => receivedBy(stand.origin).length === 7);
  for (const { socket } of clients) socket.resetAndDestroy();
  const end = performance.now() + 200; // ten times as long as they are waited for
  while (performance.now() < end) {
    expect(await ask(stand, getRequest(authority))).toBe('200');
    await stand.replaceParent({}); // so that the next one has to sign in
  }
});

test('a new challenge in place of a no costs two proofs, however many wait', async () => {
  const stand = await start(
    { newChallengeInsteadOfRefusal: true },
    { password: WRONG, unclearPause: 20 },
  );
  const request = getRequest(stand.origin.authority);
  for (let round = 0; round < 3; round += 1) {
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => ask(stand, request)));
    expect(new Set(verdicts)).toEqual(new Set(['502 credentials-rejected']));
  }
  expect(countedFor(stand.parent)).toBe(2);
  expect(eventsOf(stand, 'credential-rejected')).toHaveLength(1);
  expect(receivedBy(stand.origin)).toEqual([]);
});

test('a 407 that cuts an upload short is still heard as a no', async () => {
  // The page ends by closing, which resets a connection whose upload nobody reads.
  const stand = await start({ body407: 'until-close' }, { password: WRONG, unclearPause: 20 });
  for (let round = 0; round < 10; round += 1) {
    const reply = await (await stand.connect()).ask(postRequest(stand.origin.authority, BODY));
    expect(statusOf(reply)).toBe(502);
  }
  expect(countedFor(stand.parent)).toBe(1);
});
