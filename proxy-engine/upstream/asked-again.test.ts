import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import type { Quirks } from '../practice/quirks.ts';
import { createStand, eventsOf, type Stand } from '../testing/engine-stand.ts';
import type { ProxyClient } from '../testing/proxy-client.ts';
import { statusOf } from '../testing/read-messages.ts';
import {
  connectRequest,
  getRequest,
  innerRequest,
  postRequest,
  verdictOf,
} from '../testing/requests.ts';
import { receivedBy, seenBy, uploadsTo } from '../testing/sign-in-record.ts';

const BODY = randomBytes(200_000);

async function start(
  quirks: Partial<Quirks>,
): Promise<{ stand: Stand; client: ProxyClient; authority: string }> {
  const stand = await createStand({ quirks });
  onTestFinished(() => stand.close());
  return { stand, client: await stand.connect(), authority: stand.origin.authority };
}

const RESTLESS: readonly (readonly [string, Partial<Quirks>])[] = [
  ['after each request', { rechallengeAfter: 1 }],
  ['for each request', { perRequestAuth: true }],
];

test.for(RESTLESS)(
  'a parent that asks again %s gets a new sign-in on a new connection',
  async ([, quirks]) => {
    const { stand, client, authority } = await start(quirks);
    for (let round = 0; round < 3; round += 1) {
      expect(statusOf(await client.ask(getRequest(authority)))).toBe(200);
    }
    expect(seenBy(stand.parent)).toEqual([
      ['GET 1', 'GET 3', 'GET'],
      ['GET 1', 'GET 3', 'GET'],
      ['GET 1', 'GET 3'],
    ]);
    const established = await client.ask(connectRequest(authority));
    expect(statusOf(established)).toBe(200);
    expect(statusOf(await client.ask(innerRequest(authority)))).toBe(200);
    expect(stand.parent.stats.refusals).toBe(0);
    expect(receivedBy(stand.origin)).toEqual(['GET 0', 'GET 0', 'GET 0', 'GET 0']);
  },
);

test.for(RESTLESS)(
  'an upload that meets the question of a parent that asks again %s fails once, never twice',
  async ([, quirks]) => {
    const { stand, authority } = await start(quirks);
    const verdicts: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const client = await stand.connect();
      verdicts.push(verdictOf(await client.ask(postRequest(authority, BODY))));
    }
    expect(verdicts).toEqual(['200', '502 parent-asked-again', '200', '200']);
    expect(uploadsTo(stand.origin)).toEqual([BODY, BODY, BODY]);
    expect(receivedBy(stand.origin)).toEqual(['POST 200000', 'POST 200000', 'POST 200000']);
    expect(stand.parent.stats.refusals).toBe(0);
    expect(eventsOf(stand, 'credential-rejected')).toEqual([]);
  },
);

test('a parent that asks again after some requests is not asked to sign in before', async () => {
  const { stand, client, authority } = await start({ rechallengeAfter: 3 });
  for (let round = 0; round < 4; round += 1) {
    expect(statusOf(await client.ask(getRequest(authority)))).toBe(200);
  }
  expect(seenBy(stand.parent)).toEqual([
    ['GET 1', 'GET 3', 'GET', 'GET', 'GET'],
    ['GET 1', 'GET 3'],
  ]);
});

test('a parent that lets a Type 1 through is sent no proof', async () => {
  const { stand, client, authority } = await start({ openToType1: true });
  expect(statusOf(await client.ask(getRequest(authority)))).toBe(200);
  expect(statusOf(await client.ask(getRequest(authority)))).toBe(200);
  expect(statusOf(await client.ask(connectRequest(authority)))).toBe(200);
  expect(statusOf(await client.ask(innerRequest(authority)))).toBe(200);
  expect(seenBy(stand.parent)).toEqual([['GET 1', 'GET', 'CONNECT']]);
  expect(receivedBy(stand.origin)).toEqual(['GET 0', 'GET 0', 'GET 0']);
});

test('a parent that lets a Type 1 through gets the upload behind it, once', async () => {
  const { stand, client, authority } = await start({ openToType1: true });
  expect(verdictOf(await client.ask(postRequest(authority, BODY)))).toBe('200');
  expect(uploadsTo(stand.origin)).toEqual([BODY]);
  expect(stand.parent.stats.type3).toBe(0);
});

test('a parent that lets a Type 1 through answers a HEAD with no body', async () => {
  const { client, authority } = await start({ openToType1: true });
  const head = getRequest(authority).replace('GET', 'HEAD');
  const reply = await client.ask(head);
  expect([statusOf(reply), reply.body.length]).toEqual([200, 0]);
  expect(statusOf(await client.ask(getRequest(authority)))).toBe(200);
});
