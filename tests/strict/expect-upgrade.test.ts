import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exchangeRaw } from '#engine/testing/raw-client.ts';
import { fieldOf, readReplies, readRequests, statusOf } from '#engine/testing/read-messages.ts';
import type { Recorded } from '#engine/testing/recording-origin.ts';
import type { Way } from './case.ts';
import { createStand, type Stand } from './stand.ts';

const WAYS = ['direct', 'parent'] as const;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

let stand: Stand;
beforeAll(async () => {
  stand = await createStand();
});
afterAll(() => stand.close());

const post = (lines: string, version = '1.1'): string =>
  `POST http://%A%/ HTTP/${version}\r\nHost: %A%\r\nContent-Length: 5\r\n${lines}\r\n`;

/** Calls once the head of a request has arrived. */
function onHead(way: Way, act: (connection: Recorded, head: string) => void): void {
  const seen = new Set<Recorded>();
  stand.hop(way).watchWith((connection) => {
    const text = connection.bytes().toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0 || seen.has(connection)) return;
    seen.add(connection);
    act(connection, text.slice(0, end + 4));
  });
}

/** Sends a head, and the body when 100 has come; gives all that came back. */
function uploadAfterContinue(way: Way, head: string): Promise<string> {
  const client = connect({ port: stand.engine(way).port, host: '127.0.0.1' });
  let text = '';
  let isSent = false;
  client.write(stand.fill(head, way));
  return new Promise((resolve) => {
    client.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (!isSent && text.startsWith('HTTP/1.1 100 ')) client.write('hello');
      isSent ||= text.startsWith('HTTP/1.1 100 ');
      if (text.endsWith('\r\n\r\nok')) client.end();
    });
    client.on('close', () => resolve(text));
  });
}

test.for(WAYS)(
  'F11 Expect goes on, and the body follows the 100 of the next hop (%s)',
  async (way) => {
    const hop = stand.hop(way);
    hop.reset();
    let first = '';
    onHead(way, ({ socket }, head) => {
      first = head;
      socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    });
    const text = await uploadAfterContinue(way, post('Expect: 100-continue\r\n'));
    hop.watchWith();
    expect(first).toMatch(/\r\nExpect: 100-continue\r\n/i);
    const { messages } = readReplies(Buffer.from(text, 'latin1'), ['POST'], true);
    expect(messages.map(statusOf)).toEqual([100, 200]);
    expect(
      hop.connections
        .flatMap(({ bytes }) => readRequests(bytes()).messages)
        .map(({ body }) => String(body)),
    ).toEqual(['hello']);
  },
);

test.for(WAYS)(
  'F11 a final answer in place of the 100 arrives, and ends the connection (%s)',
  async (way) => {
    const hop = stand.hop(way);
    hop.reset();
    onHead(way, ({ socket }) =>
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'),
    );
    const answer = await exchangeRaw(stand.engine(way).port, [
      stand.fill(post('Expect: 100-continue\r\n'), way),
    ]);
    hop.watchWith();
    const { messages, rest } = readReplies(answer.bytes, ['POST'], answer.ended === 'fin');
    expect([messages.map(statusOf), rest.length, answer.ended]).toEqual([[403], 0, 'fin']);
    expect(fieldOf(messages[0], 'Connection')).toBe('close');
  },
);

test.for(WAYS)('F11 a client that does not wait is served as well (%s)', async (way) => {
  const hop = stand.hop(way);
  hop.reset();
  const bytes = stand.fill(`${post('Expect: 100-continue\r\n')}hello`, way);
  const answer = await exchangeRaw(stand.engine(way).port, [bytes], {
    until: (got) => got.toString('latin1').endsWith('ok'),
  });
  const { messages } = readReplies(answer.bytes, ['POST'], false);
  expect(statusOf(messages.at(-1))).toBe(200);
});

test.for(WAYS)('F12 HTTP/1.0 gets no 100, whatever it expects (%s)', async (way) => {
  const hop = stand.hop(way);
  hop.reset();
  hop.answerWith(() => `HTTP/1.1 100 Continue\r\n\r\n${OK}`);
  const bytes = stand.fill(`${post('Expect: 100-continue\r\n', '1.0')}hello`, way);
  const answer = await exchangeRaw(stand.engine(way).port, [bytes]);
  hop.answerWith();
  expect(answer.bytes.toString('latin1')).toMatch(/^HTTP\/1\.1 200 /);
});

const UPGRADE =
  'GET http://%A%/chat HTTP/1.1\r\nHost: %A%\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n';

test.for(WAYS)(
  'F15 after 101 the connection is a tunnel, early bytes of both sides included (%s)',
  async (way) => {
    const hop = stand.hop(way);
    hop.reset();
    let head = '';
    let isSwitched = false;
    hop.watchWith(({ socket }, bytes) => {
      const text = bytes.toString('latin1');
      if (isSwitched) {
        socket.write(Buffer.from(`echo:${text};`, 'latin1'));
        return;
      }
      isSwitched = true;
      head = text;
      socket.write(`${SWITCH}first;`);
    });
    hop.answerWith(() => undefined);
    const answer = await exchangeRaw(
      stand.engine(way).port,
      [stand.fill(UPGRADE, way), Buffer.from('\x81\0GET', 'latin1')],
      {
        until: (got) => got.toString('latin1').includes('echo:'),
      },
    );
    hop.answerWith();
    hop.watchWith();
    const { messages, rest } = readReplies(answer.bytes, ['GET'], false);
    expect(messages.map(statusOf)).toEqual([101]);
    expect([fieldOf(messages[0], 'Upgrade'), fieldOf(messages[0], 'Sec-WebSocket-Accept')]).toEqual(
      ['websocket', 'x'],
    );
    expect(rest.toString('latin1')).toBe('first;echo:\x81\0GET;');
    expect(head).toMatch(/\r\nConnection: .*Upgrade\r\n/i);
    expect(head).toMatch(/\r\nUpgrade: websocket\r\n/);
  },
);

test.for(WAYS)(
  'F15 where the origin does not switch, the exchange is a usual one (%s)',
  async (way) => {
    const hop = stand.hop(way);
    hop.reset();
    const plain = 'GET http://%A%/next HTTP/1.1\r\nHost: %A%\r\n\r\n';
    const answer = await exchangeRaw(stand.engine(way).port, [stand.fill(UPGRADE + plain, way)], {
      until: (got) => readReplies(got, ['GET', 'GET'], false).messages.length === 2,
    });
    expect(readReplies(answer.bytes, ['GET', 'GET'], false).messages.map(statusOf)).toEqual([
      200, 200,
    ]);
  },
);

test.for(WAYS)('F15 Upgrade that Connection does not name is not passed on (%s)', async (way) => {
  const hop = stand.hop(way);
  hop.reset();
  const lone = UPGRADE.replace('keep-alive, Upgrade', 'keep-alive');
  await exchangeRaw(stand.engine(way).port, [stand.fill(lone, way)], {
    until: (got) => got.toString('latin1').endsWith('ok'),
  });
  const [request] = hop.connections.flatMap(({ bytes }) => readRequests(bytes()).messages);
  expect(fieldOf(request, 'Upgrade')).toBeUndefined();
});
