import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { createStand, endpointOf, type Stand } from '../testing/engine-stand.ts';
import type { ProxyClient } from '../testing/proxy-client.ts';
import { fieldOf, readRequests, statusOf } from '../testing/read-messages.ts';
import type { Answer } from '../testing/recording-origin.ts';
import { chunkedRequest, getRequest, postRequest, verdictOf } from '../testing/requests.ts';
import { receivedBy, uploadsTo } from '../testing/sign-in-record.ts';
import { listenTcp } from '../testing/tcp-server.ts';

/** The connections a request may meet: each has code of its own on the way back. */
const WAYS = ['direct', 'a fresh sign-in', 'a signed-in connection'] as const;
type Way = (typeof WAYS)[number];

const BODY = randomBytes(200_000);

async function start(
  way: Way,
  answer?: Answer,
): Promise<{ stand: Stand; client: ProxyClient; authority: string }> {
  const stand = await createStand({ config: { route: way === 'direct' ? 'direct' : 'parents' } });
  onTestFinished(() => stand.close());
  const client = await stand.connect();
  const { authority } = stand.origin;
  if (way === 'a signed-in connection') await client.ask(getRequest(authority, '/first'));
  stand.origin.reset();
  stand.origin.answerWith(answer);
  return { stand, client, authority };
}

const OLD = (authority: string, path: string, ...fields: string[]): string =>
  [`GET http://${authority}${path} HTTP/1.0`, ...fields, '', ''].join('\r\n');

test.for(WAYS)('an HTTP/1.0 client gets one answer and the end, over %s', async (way) => {
  const { stand, client, authority } = await start(way);
  const reply = await client.ask(OLD(authority, '/'));
  expect([statusOf(reply), fieldOf(reply, 'Connection')]).toEqual([200, 'close']);
  await client.until(() => client.ended === 'fin');
  const [connection] = stand.origin.connections;
  const [request] = readRequests(connection?.bytes() ?? Buffer.alloc(0)).messages;
  expect(fieldOf(request, 'Host')).toBe(authority);
});

test.for(WAYS)('an HTTP/1.0 client that asks for it keeps its connection, over %s', async (way) => {
  const { client, authority } = await start(way);
  for (const field of ['Connection: keep-alive', 'Proxy-Connection: Keep-Alive']) {
    const reply = await client.ask(OLD(authority, '/', field));
    expect([statusOf(reply), fieldOf(reply, 'Connection')]).toEqual([200, 'keep-alive']);
  }
  expect(client.ended).toBe('open');
});

test.for(WAYS)('an HTTP/1.0 client gets no chunks and no interim answers, over %s', async (way) => {
  const { client, authority } = await start(
    way,
    () =>
      'HTTP/1.1 103 Early Hints\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: t\r\n\r\n',
  );
  client.socket.write(OLD(authority, '/', 'Connection: keep-alive'));
  await client.until(() => client.ended === 'fin');
  const text = client.received.toString();
  expect(text.endsWith('\r\n\r\nok')).toBe(true);
  expect(text).toContain('\r\nConnection: close\r\n');
  expect(text).not.toMatch(/103|Transfer-Encoding|X-T/);
});

/** A parent of the nineties: HTTP/1.0, a body only with a length, and one request a connection. */
async function startOldParent(stand: Stand): Promise<{ requests: string[] }> {
  const requests: string[] = [];
  const parent = await listenTcp((socket) => {
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (end < 0 || text.length < end + 4 + length) return;
      requests.push(text);
      const isChunked = /transfer-encoding/i.test(text);
      socket.end(`HTTP/1.0 ${isChunked ? '411 No' : '200 OK'}\r\n\r\ndone`);
    });
  });
  onTestFinished(() => parent.close());
  const auth = { scheme: 'none', dialect: 'ntlmv2' } as const;
  await stand.engine.apply(stand.configure({ parents: [endpointOf(parent)], auth }));
  return { requests };
}

test('a parent known to speak HTTP/1.0 gets chunked uploads with a length', async () => {
  const { stand, client, authority } = await start('a fresh sign-in');
  const old = await startOldParent(stand);
  expect((await client.ask(getRequest(authority))).body.toString()).toBe('done');
  const reply = await client.ask(chunkedRequest(authority, BODY));
  expect(statusOf(reply)).toBe(200);
  expect(old.requests[1]).toContain(`\r\nContent-Length: ${BODY.length}\r\n`);
  expect(old.requests[1]?.endsWith(BODY.toString('latin1'))).toBe(true);
});

const OLD_PARENTS = [{ size: 200_000 }, { size: 1_000_000 }] as const;

test.for(OLD_PARENTS)(
  'a chunked upload of $size bytes to an HTTP/1.0 parent that signs in gets a length',
  async ({ size }) => {
    const stand = await createStand({ quirks: { http10: true } });
    onTestFinished(() => stand.close());
    const body = randomBytes(size);
    const client = await stand.connect();
    for (let round = 0; round < 2; round += 1) {
      expect(statusOf(await client.ask(chunkedRequest(stand.origin.authority, body)))).toBe(200);
    }
    expect(uploadsTo(stand.origin)).toEqual([body, body]);
    const [, second] = stand.parent.stats.requests;
    expect(second?.headers).toContainEqual(['Content-Length', String(size)]);
  },
);

test('a chunked upload too long to be held for an HTTP/1.0 parent must say its length', async () => {
  const stand = await createStand({ quirks: { http10: true } });
  onTestFinished(() => stand.close());
  const client = await stand.connect();
  const body = randomBytes(1_100_000);
  const reply = await client.ask(chunkedRequest(stand.origin.authority, body));
  expect(verdictOf(reply)).toBe('411 length-required');
  expect(receivedBy(stand.origin)).toEqual([]);
  const next = await stand.connect();
  expect(statusOf(await next.ask(postRequest(stand.origin.authority, body)))).toBe(200);
});

test('leave to send a body comes from here where the parent speaks HTTP/1.0', async () => {
  const stand = await createStand({ quirks: { http10: true } });
  onTestFinished(() => stand.close());
  const client = await stand.connect();
  for (const write of [postRequest, chunkedRequest]) {
    const whole = write(stand.origin.authority, BODY, 'Expect: 100-continue');
    const end = whole.indexOf('\r\n\r\n') + 4;
    client.socket.write(whole.subarray(0, end));
    await client.until(() => client.received.includes('100 Continue\r\n\r\n'));
    client.socket.write(whole.subarray(end));
    const { finals } = await client.replies('POST');
    expect(statusOf(finals[0])).toBe(200);
  }
  expect(uploadsTo(stand.origin)).toEqual([BODY, BODY]);
});
