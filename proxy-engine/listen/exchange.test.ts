import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { createStand, eventually, type Stand } from '../testing/engine-stand.ts';
import type { ProxyClient } from '../testing/proxy-client.ts';
import { fieldOf, readRequests, statusOf } from '../testing/read-messages.ts';
import type { Answer } from '../testing/recording-origin.ts';
import { chunkedRequest, getRequest, postRequest, verdictOf } from '../testing/requests.ts';
import { receivedBy, uploadsTo } from '../testing/sign-in-record.ts';

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

/** An origin that shows what it was asked for. */
const named: Answer = ({ start: line }) => {
  const path = line.split(' ')[1] ?? '';
  return `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`;
};

test.for(WAYS)('requests sent all at once are answered in order, over %s', async (way) => {
  const { stand, client, authority } = await start(way, named);
  const paths = Array.from({ length: 50 }, (_, index) => `/${index}`);
  client.socket.write(paths.map((path) => getRequest(authority, path)).join(''));
  const { finals } = await client.replies(...paths.map(() => 'GET'));
  expect(finals.map(({ body }) => body.toString())).toEqual(paths);
  expect(receivedBy(stand.origin)).toHaveLength(50);
});

test.for(WAYS)(
  'requests that come one by one during an answer keep their words, over %s',
  async (way) => {
    const { stand, client, authority } = await start(way, () => undefined);
    const paths = Array.from({ length: 40 }, (_, index) => `/${String(index).repeat(20)}`);
    for (const path of paths) {
      const whole = getRequest(authority, path, `X-Long: ${path.repeat(20)}`);
      for (const piece of [whole.slice(0, 37), whole.slice(37)]) {
        await new Promise((resolve) => client.socket.write(piece, resolve));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await eventually(() => receivedBy(stand.origin).length === 1);
    stand.origin.answerWith(named);
    stand.origin.connections[0]?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst');
    const { finals } = await client.replies(...paths.map(() => 'GET'));
    expect(finals.map(({ body }) => body.toString())).toEqual(['first', ...paths.slice(1)]);
  },
);

test.for(WAYS)('uploads and questions sent all at once keep their order, over %s', async (way) => {
  const { stand, client, authority } = await start(way, (request) => {
    const size = String(request.body.length);
    return `HTTP/1.1 200 OK\r\nContent-Length: ${size.length}\r\n\r\n${size}`;
  });
  const all = [
    postRequest(authority, BODY.subarray(0, 1000)),
    Buffer.from(getRequest(authority)),
    chunkedRequest(authority, BODY),
    chunkedRequest(authority, BODY.subarray(0, 0)),
    Buffer.from(getRequest(authority)),
  ];
  client.socket.write(Buffer.concat(all));
  const { finals } = await client.replies('POST', 'GET', 'POST', 'POST', 'GET');
  expect(finals.map(({ body }) => body.toString())).toEqual(['1000', '0', '200000', '0', '0']);
  expect(uploadsTo(stand.origin)).toEqual([BODY.subarray(0, 1000), BODY, Buffer.alloc(0)]);
});

test.for(WAYS)('an upload in many small writes arrives whole, over %s', async (way) => {
  const { stand, client, authority } = await start(way);
  const whole = chunkedRequest(authority, BODY.subarray(0, 30_000));
  for (let at = 0; at < whole.length; at += 997) {
    client.socket.write(whole.subarray(at, at + 997));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { finals } = await client.replies('POST');
  expect(statusOf(finals[0])).toBe(200);
  expect(uploadsTo(stand.origin)).toEqual([BODY.subarray(0, 30_000)]);
});

test.for(WAYS)('extensions of chunks end here and trailers do not, over %s', async (way) => {
  const { stand, client, authority } = await start(
    way,
    () =>
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' +
      '2;a=b;c="d;e"\r\nok\r\n0;last\r\nX-Reply-Trailer: r\r\n\r\n',
  );
  const head = `POST http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\n`;
  const reply = await client.ask(
    `${head}Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-Trailer: t\r\n\r\n`,
  );
  expect([reply.body.toString(), reply.trailers]).toEqual(['ok', [['X-Reply-Trailer', 'r']]]);
  const [connection] = stand.origin.connections;
  const [request] = readRequests(connection?.bytes() ?? Buffer.alloc(0)).messages;
  expect(request?.body.toString()).toBe('abc');
  expect(connection?.bytes().includes('x=y')).toBe(false);
});

test.for(WAYS)('answers without a body leave the connection in step, over %s', async (way) => {
  const { client, authority } = await start(way, ({ start: line }) => {
    if (line.startsWith('HEAD ')) return 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n';
    if (line.includes('/204')) return 'HTTP/1.1 204 No Content\r\n\r\n';
    if (line.includes('/304')) return 'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n';
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  });
  const head = await client.ask(getRequest(authority, '/h').replace('GET', 'HEAD'));
  expect([statusOf(head), fieldOf(head, 'Content-Length'), head.body.length]).toEqual([
    200,
    '500',
    0,
  ]);
  const noContent = await client.ask(getRequest(authority, '/204'));
  expect([statusOf(noContent), fieldOf(noContent, 'Content-Length')]).toEqual([204, undefined]);
  const notModified = await client.ask(getRequest(authority, '/304'));
  expect([statusOf(notModified), notModified.body.length]).toEqual([304, 0]);
  expect((await client.ask(getRequest(authority))).body.toString()).toBe('ok');
});

test.for(WAYS)('interim answers come before the one that counts, over %s', async (way) => {
  const { client, authority } = await start(
    way,
    () =>
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  );
  client.socket.write(getRequest(authority));
  const { finals, informational } = await client.replies('GET');
  expect(informational.map(statusOf)).toEqual([103, 102]);
  expect(fieldOf(informational[0], 'Link')).toBe('</a>');
  expect(finals[0]?.body.toString()).toBe('ok');
});

test.for(WAYS)('an interim answer does not wait for the one that counts, over %s', async (way) => {
  const { client, authority } = await start(way, () => 'HTTP/1.1 102 Processing\r\n\r\n');
  client.socket.write(getRequest(authority));
  await client.until(() => client.received.includes('102 Processing\r\n\r\n'));
});

test.for(WAYS)('a body that stops in the middle is passed on up to there, over %s', async (way) => {
  const { client, authority } = await start(
    way,
    () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nevent1\r\n',
  );
  client.socket.write(getRequest(authority));
  await client.until(() => client.received.includes('event1'));
});

test.for(WAYS)('leave to send a body comes from the origin, over %s', async (way) => {
  const { stand, client, authority } = await start(way);
  stand.origin.watchWith(({ socket }, bytes) => {
    if (bytes.includes('Expect: 100-continue')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  });
  const whole = postRequest(authority, BODY, 'Expect: 100-continue');
  const end = whole.indexOf('\r\n\r\n') + 4;
  client.socket.write(whole.subarray(0, end));
  await client.until(() => client.received.toString() === 'HTTP/1.1 100 Continue\r\n\r\n');
  expect(uploadsTo(stand.origin).every(({ length }) => length === 0)).toBe(true);
  client.socket.write(whole.subarray(end));
  const { finals } = await client.replies('POST');
  expect(statusOf(finals[0])).toBe(200);
  expect(uploadsTo(stand.origin)).toEqual([BODY]);
});

test.for(WAYS)('a no comes back before a body that waits for leave, over %s', async (way) => {
  const { stand, client, authority } = await start(way);
  stand.origin.watchWith(({ socket }, bytes) => {
    if (!bytes.includes('Expect: 100-continue')) return;
    socket.write('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno');
  });
  const whole = postRequest(authority, BODY, 'Expect: 100-continue');
  client.socket.write(whole.subarray(0, whole.indexOf('\r\n\r\n') + 4));
  const { finals } = await client.replies('POST');
  expect([statusOf(finals[0]), fieldOf(finals[0], 'Connection')]).toEqual([417, 'close']);
  await client.until(() => client.ended === 'fin');
});

test.for(WAYS)('an answer in the middle of an upload reaches the client, over %s', async (way) => {
  const { stand, client, authority } = await start(way);
  stand.origin.watchWith(({ socket }, bytes) => {
    if (!bytes.includes('POST ')) return;
    socket.pause();
    socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo much');
  });
  const endless = Buffer.alloc(64 * 1024 * 1024);
  client.socket.write(postRequest(authority, endless));
  const { finals } = await client.replies('POST');
  expect([statusOf(finals[0]), finals[0]?.body.toString()]).toEqual([413, 'too much']);
  await client.until(() => client.ended !== 'open');
  await eventually(() => stand.origin.connections.every(({ socket }) => socket.bytesRead < 4e7));
});

test('an upload without a taker gets its error, not a reset', async () => {
  const stand = await createStand({ password: 'wrong' });
  onTestFinished(() => stand.close());
  const { authority } = stand.origin;
  for (let round = 0; round < 10; round += 1) {
    const client = await stand.connect();
    const reply = await client.ask(postRequest(authority, Buffer.alloc(2_000_000)));
    expect(verdictOf(reply)).toBe('502 credentials-rejected');
  }
});

test.for(WAYS)('a client that has ended its side still gets its answer, over %s', async (way) => {
  const { stand, client, authority } = await start(way, () => undefined);
  client.socket.end(getRequest(authority));
  await eventually(() => receivedBy(stand.origin).length === 1);
  stand.origin.connections[0]?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  expect((await client.replies('GET')).finals[0]?.body.toString()).toBe('ok');
  await client.until(() => client.ended === 'fin');
});

test.for(WAYS)('a client that leaves takes its request with it, over %s', async (way) => {
  const { stand, client, authority } = await start(
    way,
    () => 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun',
  );
  client.socket.write(getRequest(authority));
  await client.until(() => client.received.includes('begun'));
  client.socket.resetAndDestroy();
  const [hop] = stand.origin.connections;
  await eventually(() => hop?.ended() !== 'open' || way !== 'direct');
  expect(statusOf(await (await stand.connect()).ask('OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n'))).toBe(
    204,
  );
});

test.for(WAYS)('what a client says about its own connection stays there, over %s', async (way) => {
  const { stand, client, authority } = await start(way);
  const fields = ['Connection: close, X-Mine', 'X-Mine: 1', 'Proxy-Authorization: Basic eDp5'];
  const reply = await client.ask(getRequest(authority, '/', ...fields));
  expect([statusOf(reply), fieldOf(reply, 'Connection')]).toEqual([200, 'close']);
  const received = stand.origin.connections.map(({ bytes }) => bytes().toString()).join('');
  expect(received).not.toMatch(/X-Mine|Proxy-Authorization/i);
  const toParent = stand.parent.stats.requests.flatMap(({ headers }) => headers);
  expect(toParent.filter(([, value]) => value === 'Basic eDp5')).toEqual([]);
  if (way === 'direct') return;
  await (await stand.connect()).ask(getRequest(authority));
  expect(stand.parent.stats.connections).toBe(1);
});
