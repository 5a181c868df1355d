import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import type { Quirks } from '../practice/quirks.ts';
import {
  createStand,
  eventually,
  PASSWORD,
  type Stand,
  type StandOptions,
} from '../testing/engine-stand.ts';
import type { ProxyClient } from '../testing/proxy-client.ts';
import { fieldOf, statusOf } from '../testing/read-messages.ts';
import {
  connectRequest,
  getRequest,
  innerRequest,
  postRequest,
  verdictOf,
} from '../testing/requests.ts';
import { countedFor, receivedBy, seenBy, uploadsTo } from '../testing/sign-in-record.ts';

const BODY = randomBytes(200_000);

async function start(options: StandOptions): Promise<{ stand: Stand; client: ProxyClient }> {
  const stand = await createStand(options);
  onTestFinished(() => stand.close());
  return { stand, client: await stand.connect() };
}

/** One sign-in on one connection: nothing came between, before or beside. */
const GET_ONCE = [['GET 1', 'GET 3']];
const POST_ONCE = [['GET 1', 'POST 3']];
const CONNECT_ONCE = [['CONNECT 1', 'CONNECT 3']];

/** Parents that are odd, and need no more than one sign-in all the same. */
const HARMLESS: readonly (readonly [string, Partial<Quirks>])[] = [
  ['has no quirk', {}],
  ['closes after a bare 407', { closeAfterBare407: true }],
  ['sends no page with a 407', { body407: 'none' }],
  ['sends a page with a length', { body407: 'length' }],
  ['sends a chunked page with trailers', { body407: 'chunked' }],
  ['ends the page of a bare 407 by closing', { body407: 'until-close' }],
  ['speaks HTTP/1.0', { http10: true }],
  ['speaks HTTP/1.0 with pages that end by closing', { http10: true, body407: 'until-close' }],
  ['knows Proxy-Connection only', { proxyConnectionOnly: true }],
  ['sends no target information', { noTargetInfo: true }],
  ['sends empty target information', { emptyTargetInfo: true }],
  ['sends AV flags of its own', { avFlagsPresent: true }],
  ['sends an OEM challenge', { oemChallenge: true }],
  ['grants no extended session security', { noEss: true }],
  ['sends no timestamp', { noTimestamp: true }],
  ['hangs on a body that comes with a Type 1', { hangOnBodyWithType1: true }],
  ['would challenge again instead of refusing', { newChallengeInsteadOfRefusal: true }],
  ['sends its heads byte by byte', { splitHeaders: 1 }],
  ['sends its heads in threes', { splitHeaders: 3 }],
  ['lists Negotiate first', { negotiateFirst: true }],
  ['writes header names in lower case', { lowerCaseNames: true }],
  ['writes extra spaces', { extraSpaces: true }],
  ['locks accounts', { lockoutThreshold: 1 }],
];

test.for(HARMLESS)('one sign-in serves a GET where the parent %s', async ([, quirks]) => {
  const { stand, client } = await start({ quirks });
  const request = getRequest(stand.origin.authority);
  expect(statusOf(await client.ask(request))).toBe(200);
  expect(seenBy(stand.parent)).toEqual(GET_ONCE);
  expect(statusOf(await client.ask(request))).toBe(200);
  expect(seenBy(stand.parent)).toEqual([['GET 1', 'GET 3', 'GET']]);
  expect(receivedBy(stand.origin)).toEqual(['GET 0', 'GET 0']);
  expect(stand.parent.stats.refusals).toBe(0);
});

test.for(HARMLESS)('one sign-in serves an upload where the parent %s', async ([, quirks]) => {
  const { stand, client } = await start({ quirks });
  const request = postRequest(stand.origin.authority, BODY);
  expect(statusOf(await client.ask(request))).toBe(200);
  expect(seenBy(stand.parent)).toEqual(POST_ONCE);
  expect(uploadsTo(stand.origin)).toEqual([BODY]);
  expect(receivedBy(stand.origin)).toEqual(['POST 200000']);
  expect(statusOf(await client.ask(request))).toBe(200);
  expect(seenBy(stand.parent)).toEqual([['GET 1', 'POST 3', 'POST']]);
  expect(stand.parent.stats.refusals).toBe(0);
});

test.for(HARMLESS)('one sign-in opens a tunnel where the parent %s', async ([, quirks]) => {
  const { stand, client } = await start({ quirks });
  const established = await client.ask(connectRequest(stand.origin.authority));
  expect(established.start).toBe('HTTP/1.1 200 Connection established');
  expect(fieldOf(established, 'Connection')).toBeUndefined();
  expect(seenBy(stand.parent)).toEqual(CONNECT_ONCE);
  const inner = await client.ask(innerRequest(stand.origin.authority));
  expect([statusOf(inner), inner.body.toString()]).toEqual([200, 'ok']);
  expect(stand.parent.stats.refusals).toBe(0);
});

test.for(HARMLESS)(
  'a wrong password is tried once or twice where the parent %s',
  async ([, quirks]) => {
    // Only a challenge in place of a no leaves room for a second proof.
    const most = quirks.newChallengeInsteadOfRefusal ? 2 : 1;
    const { stand, client } = await start({ quirks, password: `not ${PASSWORD}` });
    const { authority } = stand.origin;
    const verdicts = [
      verdictOf(await client.ask(getRequest(authority))),
      verdictOf(await client.ask(getRequest(authority))),
      verdictOf(await client.ask(connectRequest(authority))),
    ];
    expect(new Set(verdicts)).toEqual(new Set(['502 credentials-rejected']));
    expect(countedFor(stand.parent)).toBe(most);
    expect(stand.parent.stats.type3).toBe(most);
    expect(receivedBy(stand.origin)).toEqual([]);
  },
);

test.for(HARMLESS)(
  'a wrong password that goes with an upload is tried once or twice where the parent %s',
  async ([, quirks]) => {
    const { stand } = await start({ quirks, password: `not ${PASSWORD}` });
    for (let round = 0; round < 4; round += 1) {
      const client = await stand.connect();
      const reply = await client.ask(postRequest(stand.origin.authority, BODY));
      expect(statusOf(reply)).toBe(502);
    }
    expect(countedFor(stand.parent)).toBeLessThanOrEqual(
      quirks.newChallengeInsteadOfRefusal ? 2 : 1,
    );
    expect(receivedBy(stand.origin)).toEqual([]);
  },
);

/** What a sign-in costs, in messages, where nothing can come of it. */
const HOPELESS: readonly (readonly [string, Partial<Quirks>, string, number])[] = [
  [
    'closes after its challenge',
    { closeAfterChallenge: true },
    '502 parent-closes-during-sign-in',
    4,
  ],
  ['sends 2 MB with a 407', { body407: 'huge' }, '502 parent-closes-during-sign-in', 4],
  ['sends a challenge that is none', { garbageChallenge: true }, '502 challenge-unreadable', 1],
  ['does not say how to sign in', { noAuthenticateHeader: true }, '502 parent-scheme', 1],
  ['offers Basic only', { basicOnly: true }, '502 parent-scheme', 0],
];

test.for(HOPELESS)(
  'no proof leaves, and the reason is named, where the parent %s',
  async ([, quirks, verdict, type1]) => {
    const { stand } = await start({ quirks });
    const { authority } = stand.origin;
    for (const request of [
      getRequest(authority),
      postRequest(authority, BODY),
      connectRequest(authority),
    ]) {
      const before = stand.parent.stats.type1;
      const client = await stand.connect();
      expect(verdictOf(await client.ask(request))).toBe(verdict);
      expect(stand.parent.stats.type1 - before).toBe(type1);
    }
    expect(stand.parent.stats.type3).toBe(0);
    expect(stand.parent.stats.signIns).toEqual([]);
    expect(receivedBy(stand.origin)).toEqual([]);
  },
);

test('where only Negotiate is offered, the scheme is learnt by one free question', async () => {
  const { stand, client } = await start({ quirks: { negotiateOnly: true } });
  const { authority } = stand.origin;
  expect(statusOf(await client.ask(postRequest(authority, BODY)))).toBe(200);
  expect(seenBy(stand.parent)).toEqual([['GET 1'], ['GET 1', 'POST 3']]);
  expect(uploadsTo(stand.origin)).toEqual([BODY]);

  const second = await stand.connect();
  expect(statusOf(await second.ask(connectRequest(authority)))).toBe(200);
  expect(seenBy(stand.parent)).toEqual([['GET 1'], ['GET 1', 'POST 3', 'CONNECT']]);
});

test('a connection that a sign-in cannot use is closed at once', async () => {
  const { stand, client } = await start({ quirks: { negotiateOnly: true } });
  expect(statusOf(await client.ask(getRequest(stand.origin.authority)))).toBe(200);
  await eventually(() => stand.parent.stats.open === 1);
});
