import { expect, test } from 'vitest';
import { exchangeRaw } from '#engine/testing/raw-client.ts';
import { fieldOf, readReplies, readRequests, statusOf } from '#engine/testing/read-messages.ts';
import { plainAnswer } from '#engine/testing/recording-origin.ts';
import { A, END, GET, H, POST, forwarded, refused, type Case, type Way } from './case.ts';
import { describeCases } from './describe-cases.ts';

const get = (lines: string): string => `${GET}${H}${lines}${END}`;
const WAYS = ['direct', 'parent'] as const;

/** Of these names exactly the ones listed second arrive. */
const arrives =
  (names: readonly string[], expected: Record<string, string>): NonNullable<Case['onward']> =>
  ([request]) =>
    expect(
      Object.fromEntries(
        names.flatMap((name) => {
          const value = fieldOf(request, name);
          return value === undefined ? [] : [[name, value]];
        }),
      ),
    ).toEqual(expected);

const CASES: Case[] = [
  forwarded(
    'F1 what Connection names ends here',
    get('Connection: X-Hop, x-other\r\nX-Hop: 1\r\nX-OTHER: 2\r\nX-Keep: 3\r\n'),
    arrives(['X-Hop', 'X-Other', 'X-Keep'], { 'X-Keep': '3' }),
  ),
  forwarded(
    'F1 over two lines of Connection',
    get('X-Hop: 1\r\nConnection: X-Hop\r\nConnection: X-Two\r\nX-Two: 2\r\n'),
    arrives(['X-Hop', 'X-Two'], {}),
  ),
  forwarded(
    'F2 end-to-end fields are not taken away by naming them',
    get(
      'Connection: close, Host, Authorization, cookie\r\nAuthorization: Basic eDp5\r\nCookie: a=b\r\n',
    ),
    arrives(['Authorization', 'Cookie'], { Authorization: 'Basic eDp5', Cookie: 'a=b' }),
  ),
  forwarded(
    'F3 fields of one hop end here',
    get(
      'Proxy-Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nUpgrade: foo\r\n' +
        'Proxy-Authenticate: Basic\r\nConnection: keep-alive, TE\r\n',
    ),
    ([request], { way }) => {
      if (way === 'direct') {
        expect(fieldOf(request, 'Proxy-Connection')).toBeUndefined();
        expect(fieldOf(request, 'Connection')).toBeUndefined();
      }
    },
  ),
  forwarded(
    "F4 the client's Proxy-Authorization goes nowhere",
    get('Proxy-Authorization: Basic eDp5\r\n'),
  ),
  forwarded(
    'F5 NTLM for the origin passes untouched',
    get('Authorization: NTLM TlRMTVNTUAABAAAA\r\n'),
    arrives(['Authorization'], { Authorization: 'NTLM TlRMTVNTUAABAAAA' }),
  ),
  {
    name: 'F8 OPTIONS with Max-Forwards: 0',
    send: `OPTIONS http://${A}/ HTTP/1.1\r\n${H}Max-Forwards: 0\r\n\r\n`,
    outcome: 'answered',
  },
  {
    name: 'F8 TRACE with Max-Forwards: 0',
    send: `TRACE http://${A}/ HTTP/1.1\r\n${H}Max-Forwards: 0\r\n\r\n`,
    outcome: 405,
  },
  forwarded(
    'F9 Max-Forwards counts down for OPTIONS',
    `OPTIONS http://${A}/ HTTP/1.1\r\n${H}Max-Forwards: 5\r\n\r\n`,
    arrives(['Max-Forwards'], { 'Max-Forwards': '4' }),
  ),
  refused('F10 TRACE', `TRACE http://${A}/ HTTP/1.1\r\n${H}Authorization: Basic eDp5\r\n\r\n`, 405),
  refused('F13 another expectation', get('Expect: foo\r\n'), 417),
  refused('F13 an expectation with more behind it', get('Expect: 100-continue, foo\r\n'), 417),
  forwarded(
    'F16 h2c is not passed on',
    get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n'),
    arrives(['Upgrade', 'HTTP2-Settings'], {}),
  ),
  forwarded(
    'F17 three requests at once',
    get('X: 1\r\n') + get('X: 2\r\n') + get('X: 3\r\n'),
    (requests) => expect(requests.map((request) => fieldOf(request, 'X'))).toEqual(['1', '2', '3']),
    { methods: ['GET', 'GET', 'GET'] },
  ),
  forwarded('F20 the end behind a whole request', get(''), undefined, { after: 'fin' }),
  forwarded(
    'F20 the end behind a whole body',
    `${POST}${H}Content-Length: 5\r\n\r\nhello`,
    ([request]) => expect(request?.body.toString()).toBe('hello'),
    { after: 'fin' },
  ),
  forwarded(
    'F22 HTTP/1.0 with keep-alive',
    `GET http://${A}/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`,
  ),
];

const stand = describeCases(CASES);

test.for(WAYS)('F7 a request that comes round again is refused (%s)', async (way) => {
  const hop = stand().hop(way);
  hop.reset();
  const port = stand().engine(way).port;
  const first = stand().fill(get('Connection: close\r\n'), way);
  await exchangeRaw(port, [first]);
  const [recorded] = hop.connections;
  const via = fieldOf(readRequests(recorded?.bytes() ?? Buffer.alloc(0)).messages[0], 'Via');
  hop.reset();
  const again = stand().fill(get(`Via: 1.0 other, ${via}\r\n`), way);
  const answer = await exchangeRaw(port, [again]);
  expect(answer.bytes.toString('latin1')).toMatch(/^HTTP\/1\.1 508 /);
  expect(hop.connections).toEqual([]);
});

test.for(WAYS)('F18 good, bad, good: the third is never processed (%s)', async (way) => {
  const hop = stand().hop(way);
  hop.reset();
  const bytes = stand().fill(get('X: 1\r\n') + get('X : 2\r\n') + get('X: 3\r\n'), way);
  const answer = await exchangeRaw(stand().engine(way).port, [bytes]);
  const { messages, rest } = readReplies(answer.bytes, ['GET', 'GET'], true);
  expect([messages.map(statusOf), rest.length, answer.ended]).toEqual([[200, 400], 0, 'fin']);
  const seen = hop.connections.flatMap((connection) => readRequests(connection.bytes()).messages);
  expect(seen.map((request) => fieldOf(request, 'X'))).toEqual(['1']);
});

test.for(WAYS)('D9 a body cut by the end behind a request that is answered (%s)', async (way) => {
  const hop = stand().hop(way);
  hop.reset();
  const put = `PUT http://${A}/ HTTP/1.1\r\n${H}Content-Length: 10\r\n\r\nfour`;
  const bytes = stand().fill(get('') + put, way);
  const answer = await exchangeRaw(stand().engine(way).port, [bytes], { after: 'fin' });
  expect(answer.ended).not.toBe('hung');
  expect(statusOf(readReplies(answer.bytes, ['GET', 'PUT'], false).messages[0])).toBe(200);
  const seen = hop.connections.flatMap((connection) => readRequests(connection.bytes()).messages);
  expect(seen.filter(({ complete }) => complete)).toHaveLength(1);
  await hop.until(() =>
    hop.connections.every(
      ({ ended, bytes: got }) => ended() !== 'open' || !got().toString('latin1').includes('four'),
    ),
  );
});

test.for(WAYS)('D10 garbage behind a body gets 400 after the first reply (%s)', async (way) => {
  const bytes = stand().fill(`${POST}${H}Content-Length: 4\r\n\r\nfour garbage\r\n\r\n`, way);
  const answer = await exchangeRaw(stand().engine(way).port, [bytes]);
  const { messages } = readReplies(answer.bytes, ['POST', 'GET'], true);
  expect([messages.map(statusOf), answer.ended]).toEqual([[200, 400], 'fin']);
});

test.for(WAYS)(
  'F19 of many pipelined requests one is under way at a time (%s)',
  { timeout: 30_000 },
  async (way) => {
    const COUNT = 2000;
    const hop = stand().hop(way);
    hop.reset();
    let most = 0;
    let open = 0;
    hop.answerWith((request, connection, index) => {
      open += 1;
      most = Math.max(most, open);
      setImmediate(() => {
        open -= 1;
        connection.socket.write(plainAnswer(request, connection, index) ?? '');
      });
      return undefined;
    });
    const bytes = stand().fill(get('X: 1\r\n').repeat(COUNT), way);
    let seen = 0;
    const answer = await exchangeRaw(stand().engine(way).port, [bytes], {
      deadline: 20_000,
      until(got) {
        // All replies are alike, so their size tells their number.
        const one = got.indexOf('\r\n\r\nok') + 6;
        if (one < 6 || got.length < COUNT * one) return false;
        seen = readReplies(got, Array<string>(COUNT).fill('GET'), false).messages.length;
        return seen === COUNT;
      },
    });
    hop.answerWith();
    expect([answer.ended, seen, most]).toEqual(['open', COUNT, 1]);
  },
);

test.for(WAYS)('F21 a client that resets ends the next hop at once (%s)', async (way) => {
  const hop = stand().hop(way);
  hop.reset();
  hop.answerWith(() => 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello');
  const bytes = stand().fill(get(''), way);
  await exchangeRaw(stand().engine(way).port, [bytes], {
    until: (got) => got.toString('latin1').endsWith('hello'),
    leave: 'reset',
  });
  const from = performance.now();
  await hop.until(() => hop.connections.every((connection) => connection.ended() !== 'open'));
  hop.answerWith();
  expect(performance.now() - from).toBeLessThan(300);
});

test.for(WAYS)('F22 HTTP/1.0 gets chunks as a body that ends by the close (%s)', async (way) => {
  const hop = stand().hop(way);
  hop.answerWith(
    () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  );
  const bytes = stand().fill(`GET http://${A}/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`, way);
  const answer = await exchangeRaw(stand().engine(way).port, [bytes]);
  hop.answerWith();
  const [reply] = readReplies(answer.bytes, ['GET'], answer.ended === 'fin').messages;
  expect(reply).toMatchObject({ framing: 'until-close', complete: true });
  expect([reply?.body.toString(), fieldOf(reply, 'Connection')]).toEqual(['hello', 'close']);
});

/** A request on a connection that has served one and ends without an answer to the next. */
async function loseReused(
  way: Way,
  request: string,
): Promise<{ statuses: number[]; seen: number }> {
  const hop = stand().hop(way);
  hop.reset();
  let seen = 0;
  hop.answerWith((message, connection, index) => {
    seen += 1;
    if (index === 0) return plainAnswer(message, connection, index);
    connection.socket.destroy();
    return undefined;
  });
  const bytes = stand().fill(get('') + request, way);
  const answer = await exchangeRaw(stand().engine(way).port, [bytes], {
    until: (got) => readReplies(got, ['GET', 'GET'], false).messages.length === 2,
  });
  hop.answerWith();
  const { messages } = readReplies(answer.bytes, ['GET', 'GET'], false);
  return { statuses: messages.map(statusOf), seen };
}

test.for(WAYS)('F23 a GET lost on a reused connection is sent once more (%s)', async (way) => {
  expect(await loseReused(way, get(''))).toEqual({ statuses: [200, 200], seen: 3 });
});

test.for(WAYS)('F23 a POST lost on a reused connection is not sent again (%s)', async (way) => {
  const post = `${POST}${H}Content-Length: 5\r\n\r\nhello`;
  expect(await loseReused(way, post)).toEqual({ statuses: [200, 502], seen: 2 });
});

test.for(WAYS)(
  'F5, F6 a client that signs in behind us keeps its connection to itself (%s)',
  async (way) => {
    const hop = stand().hop(way);
    hop.reset();
    const sockets: unknown[] = [];
    hop.answerWith((request, connection, index) => {
      sockets.push(connection.socket);
      const token = fieldOf(request, 'Authorization');
      if (token === undefined) return plainAnswer(request, connection, index);
      return 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM TlRMTVNTUAACAAAA\r\nContent-Length: 2\r\n\r\nno';
    });
    const port = stand().engine(way).port;
    const legs =
      get('Authorization: NTLM TlRMTVNTUAABAAAA\r\n') +
      get('Authorization: NTLM TlRMTVNTUAADAAAA\r\n') +
      get('');
    const other = exchangeRaw.bind(undefined, port, [
      stand().fill(get('Connection: close\r\n'), way),
    ]);
    const answer = await exchangeRaw(port, [stand().fill(legs, way)], {
      until: (got) => got.toString('latin1').endsWith('ok'),
    });
    const replies = readReplies(answer.bytes, ['GET', 'GET', 'GET'], false).messages;
    await other();
    hop.answerWith();
    expect(replies.map(statusOf)).toEqual([401, 401, 200]);
    expect(fieldOf(replies[0], 'WWW-Authenticate')).toBe('NTLM TlRMTVNTUAACAAAA');
    expect(new Set(sockets.slice(0, 3)).size).toBe(1);
    expect(sockets.slice(0, 3)).not.toContain(sockets[3]);
  },
);
