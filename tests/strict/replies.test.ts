import { afterAll, beforeAll, expect, test } from 'vitest';
import { fieldOf, statusOf } from '#engine/testing/read-messages.ts';
import { expectSameAtEverySplit } from './every-split.ts';
import { checkReply, type ReplyCase } from './reply-case.ts';
import { createStand, type Stand } from './stand.ts';

type More = Partial<ReplyCase>;

/** A 200 with these field lines. */
const ok = (lines: string, body = ''): string => `HTTP/1.1 200 OK\r\n${lines}\r\n${body}`;
const broken = (name: string, reply: string, more: More = {}): ReplyCase => ({
  name,
  reply,
  end: 'keep',
  outcome: 502,
  ...more,
});
const relayed = (
  name: string,
  reply: string,
  client?: ReplyCase['client'],
  more: More = {},
): ReplyCase => ({
  name,
  reply,
  end: 'keep',
  outcome: 'relayed',
  ...(client && { client }),
  ...more,
});
const abort = (name: string, reply: string, more: More = {}): ReplyCase => ({
  name,
  reply,
  end: 'fin',
  outcome: 'abort',
  ...more,
});

const hasBody =
  (body: string): NonNullable<ReplyCase['client']> =>
  (replies) =>
    expect(replies.at(-1)?.body.toString('latin1')).toBe(body);
const LENGTH_2 = 'Content-Length: 2\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const HELLO = '5\r\nhello\r\n0\r\n\r\n';
const OK = ok(LENGTH_2, 'ok');
const bothEnds = (make: (end: 'fin' | 'reset') => ReplyCase): ReplyCase[] => [
  make('fin'),
  make('reset'),
];

const CASES: ReplyCase[] = [
  relayed(
    'C24 every Set-Cookie by itself',
    ok(`Set-Cookie: a=1\r\nX: y\r\nSet-Cookie: b=2\r\nset-cookie: a=1\r\n${LENGTH_2}`, 'ok'),
    (replies) => expect(fieldOf(replies[0], 'Set-Cookie')).toBe('a=1|b=2|a=1'),
  ),
  ...bothEnds((end) =>
    abort(`R1 fewer bytes than the length, ${end}`, ok('Content-Length: 10\r\n', 'four'), { end }),
  ),
  ...bothEnds((end) =>
    abort(`R1 no byte of a length, ${end}`, ok('Content-Length: 10\r\n'), { end }),
  ),
  ...bothEnds((end) => abort(`R2 no last chunk, ${end}`, ok(CHUNKED, '5\r\nhello\r\n'), { end })),
  ...bothEnds((end) => abort(`R2 half a chunk, ${end}`, ok(CHUNKED, '5\r\nhel'), { end })),
  ...bothEnds((end) =>
    abort(`R2 half a last chunk, ${end}`, ok(CHUNKED, '5\r\nhello\r\n0\r\n'), { end }),
  ),
  ...bothEnds((end) =>
    abort(`R2 for HTTP/1.0, ${end}`, ok(CHUNKED, '5\r\nhello\r\n'), { end, minor: 0 }),
  ),
  abort('R2 a chunk size that is none', ok(CHUNKED, '5\r\nhello\r\nxyz\r\n'), { end: 'keep' }),
  abort('R2 a chunk that goes on', ok(CHUNKED, '5\r\nhello!!0\r\n\r\n'), { end: 'keep' }),
  abort('R2 a chunk size with a bare LF', ok(CHUNKED, '5\nhello\r\n0\r\n\r\n'), { end: 'keep' }),
  relayed(
    'R3 a body that ends by the close',
    ok('X: y\r\n', 'hello'),
    (replies) => {
      expect(replies[0]).toMatchObject({ framing: 'chunked' });
      expect(replies[0]?.body.toString()).toBe('hello');
    },
    { end: 'fin' },
  ),
  relayed(
    'R3 for HTTP/1.0',
    ok('X: y\r\n', 'hello'),
    (replies) => {
      expect(replies[0]).toMatchObject({ framing: 'until-close' });
      expect(fieldOf(replies[0], 'Connection')).toBe('close');
    },
    { end: 'fin', minor: 0 },
  ),
  relayed('R3 an empty body that ends by the close', ok(''), hasBody(''), { end: 'fin' }),
  abort('R4 a body that ends by a reset', ok('X: y\r\n', 'hello'), { end: 'reset' }),
  abort('R4 for HTTP/1.0', ok('X: y\r\n', 'hello'), { end: 'reset', minor: 0 }),
  ...bothEnds((end) => broken(`R5 nothing at all, ${end}`, '', { end })),
  ...bothEnds((end) => broken(`R6 half a head, ${end}`, 'HTTP/1.1 200 OK\r\nContent-Le', { end })),
  ...bothEnds((end) =>
    broken(`R6 a head without its empty line, ${end}`, 'HTTP/1.1 200 OK\r\nX: y\r\n', { end }),
  ),
  broken('R7 garbage', 'hello world\r\n\r\n'),
  broken('R7 binary garbage', '\0\x01\x02\xff\r\n\r\n'),
  broken('R7 a page without a head', '<html>hello</html>\r\n\r\n'),
  broken('R7 a page and the end', '<html>hello</html>', { end: 'fin' }),
  broken('R7 garbage before the head', `garbage\r\n${OK}`),
  broken('R7 the status line of ICY', `ICY 200 OK\r\n\r\n`),
  ...[
    'HTTP/2.0 200 OK',
    'HTTP/0.9 200 OK',
    'http/1.1 200 OK',
    'HTTP/1.1  200 OK',
    ' HTTP/1.1 200 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/01.1 200 OK',
    'HTTP/1.1 200OK',
    'HTTP/1.1',
  ].map((line) => broken(`R7 the status line "${line}"`, `${line}\r\n${LENGTH_2}\r\nok`)),
  broken('R8 two different lengths', ok('Content-Length: 2\r\nContent-Length: 3\r\n', 'ok')),
  ...['-2', '2x', '+2', '0x2', '', '2, 3', '2 2', '2,', '1e1', '\xa02', '9'.repeat(20)].map(
    (value) =>
      broken(`R8 the length ${JSON.stringify(value)}`, ok(`Content-Length: ${value}\r\n`, 'ok')),
  ),
  relayed('R8 two equal lengths are one', ok(LENGTH_2.repeat(2), 'ok'), (replies) =>
    expect(fieldOf(replies[0], 'Content-Length')).toBe('2'),
  ),
  relayed(
    'R9 chunks win over a length',
    ok(`Content-Length: 3\r\n${CHUNKED}`, HELLO),
    (replies) => {
      expect(replies[0]?.body.toString()).toBe('hello');
      expect(fieldOf(replies[0], 'Content-Length')).toBeUndefined();
    },
  ),
  ...[
    'gzip',
    'chunked, gzip',
    'gzip, chunked',
    'identity',
    'xchunked',
    'chunked, chunked',
    '',
    '\x0bchunked',
  ].map((value) =>
    broken(`R10 the coding ${JSON.stringify(value)}`, ok(`Transfer-Encoding: ${value}\r\n`, HELLO)),
  ),
  broken('R10 chunked in two lines', ok(CHUNKED.repeat(2), HELLO)),
  relayed(
    'R10 Chunked in another case',
    ok('transfer-encoding: CHUNKED\r\n', HELLO),
    hasBody('hello'),
  ),
  broken('R11 a space before the colon', ok('Content-Length : 2\r\n', 'ok')),
  broken('R12 a folded line', ok(`X: y\r\n z\r\n${LENGTH_2}`, 'ok')),
  broken('R12 a folded first line', ok(` X: y\r\n${LENGTH_2}`, 'ok')),
  ...['\0', '\r', '\x01', '\x0b', '\x7f'].map((character) =>
    broken(
      `R13 0x${Buffer.from(character, 'latin1').toString('hex')} in a value`,
      ok(`X: a${character}b\r\n${LENGTH_2}`, 'ok'),
    ),
  ),
  broken('R13 LF in a value', ok(`X: a\nb: c\r\n${LENGTH_2}`, 'ok')),
  broken('R13 a line without a colon', ok(`X\r\n${LENGTH_2}`, 'ok')),
  broken('R13 a name with a space', ok(`X Y: z\r\n${LENGTH_2}`, 'ok')),
  broken('R13 an empty name', ok(`: z\r\n${LENGTH_2}`, 'ok')),
  broken('R14 LF for all line ends', ok(LENGTH_2, 'ok').replaceAll('\r\n', '\n')),
  broken('R14 LF as the empty line', `HTTP/1.1 200 OK\r\n${LENGTH_2}\nok`),
  broken('R15 a head of 1 MB', ok(`X: ${'y'.repeat(1000)}\r\n`.repeat(1000) + LENGTH_2, 'ok')),
  broken('R15 a head of 1 MB in one line', ok(`X: ${'y'.repeat(1_000_000)}\r\n${LENGTH_2}`, 'ok')),
  broken('R15 10,000 fields', ok('X: y\r\n'.repeat(10_000) + LENGTH_2, 'ok')),
  relayed(
    'R15 a head of 100 KB',
    ok(`X: ${'y'.repeat(10_000)}\r\n`.repeat(10) + LENGTH_2, 'ok'),
    hasBody('ok'),
  ),
  relayed(
    'R16 103 and fifty 102 before the reply',
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(50)}${OK}`,
    (replies) => {
      expect(replies.map(statusOf)).toEqual([103, ...Array<number>(50).fill(102), 200]);
      expect(fieldOf(replies[0], 'Link')).toBe('</a>');
    },
  ),
  relayed(
    'R16 none of them for HTTP/1.0',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${OK}`,
    (replies) => expect(replies.map(statusOf)).toEqual([200]),
    { minor: 0 },
  ),
  broken('R17 1xx again and again', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(200)),
  broken('R17 1xx and the end', 'HTTP/1.1 103 Early Hints\r\n\r\n', { end: 'fin' }),
  broken(
    'R18 101 that nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nbytes',
  ),
  relayed(
    'R19 204 with a body',
    `HTTP/1.1 204 No Content\r\n${LENGTH_2}\r\nok`,
    (replies, { bytes }) => {
      expect(fieldOf(replies[0], 'Content-Length')).toBeUndefined();
      expect(bytes.toString('latin1')).toMatch(/\r\n\r\n$/);
    },
  ),
  relayed('R19 304 with a body', `HTTP/1.1 304 Not Modified\r\n${LENGTH_2}\r\nok`, (_, { bytes }) =>
    expect(bytes.toString('latin1')).toMatch(/\r\n\r\n$/),
  ),
  relayed(
    'R19 HEAD with a body',
    OK,
    (replies, { bytes }) => {
      expect(fieldOf(replies[0], 'Content-Length')).toBe('2');
      expect(bytes.toString('latin1')).toMatch(/\r\n\r\n$/);
    },
    { method: 'HEAD' },
  ),
  relayed(
    'R19 204 with chunks',
    `HTTP/1.1 204 No Content\r\n${CHUNKED}\r\n${HELLO}`,
    (replies, { bytes }) => {
      expect(fieldOf(replies[0], 'Transfer-Encoding')).toBeUndefined();
      expect(bytes.toString('latin1')).toMatch(/\r\n\r\n$/);
    },
  ),
  relayed(
    'R20 a second reply behind the first',
    `${OK}${ok('Content-Length: 5\r\n', 'wrong')}`,
    (_, { bytes }) => expect(bytes.toString('latin1')).not.toContain('wrong'),
  ),
  ...['20', '1000', 'abc', '+200', '-200', '000', '099', '2 0', '2e2', '', '999', '600'].map(
    (status) =>
      broken(`R23, R24 the status "${status}"`, `HTTP/1.1 ${status} OK\r\n${LENGTH_2}\r\nok`),
  ),
  relayed('R25 an empty reason', `HTTP/1.1 200 \r\n${LENGTH_2}\r\nok`, hasBody('ok')),
  relayed('R25 no reason at all', `HTTP/1.1 200\r\n${LENGTH_2}\r\nok`, hasBody('ok')),
  relayed(
    'R25 a reason in UTF-8',
    `HTTP/1.1 200 \xc3\xa9t\xe9\r\n${LENGTH_2}\r\nok`,
    hasBody('ok'),
  ),
  relayed(
    'R25 a reason of 4 KB is cut',
    `HTTP/1.1 200 ${'y'.repeat(4096)}\r\n${LENGTH_2}\r\nok`,
    (replies) => expect(replies[0]?.start.length).toBeLessThan(1024),
  ),
  ...['\0', '\r', '\x07', '\x7f'].map((character) =>
    broken(
      `R25 0x${Buffer.from(character, 'latin1').toString('hex')} in the reason`,
      `HTTP/1.1 200 a${character}b\r\n${LENGTH_2}\r\nok`,
    ),
  ),
  relayed(
    'R27 what Connection names ends here',
    ok(
      `Connection: X-Hop\r\nX-Hop: 1\r\nX-Keep: 2\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\n${LENGTH_2}`,
      'ok',
    ),
    ([reply]) => {
      for (const name of ['X-Hop', 'Keep-Alive', 'Proxy-Connection', 'Upgrade', 'Connection']) {
        expect([name, fieldOf(reply, name)]).toEqual([name, undefined]);
      }
      expect(fieldOf(reply, 'X-Keep')).toBe('2');
    },
  ),
  relayed(
    'R27 trailers that may follow do, the others do not',
    ok(CHUNKED, '5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\n\r\n'),
    ([reply]) => {
      expect(reply?.body.toString()).toBe('hello');
      for (const [name] of reply?.trailers ?? []) expect(name).toBe('X-Sum');
      expect(fieldOf(reply, 'Set-Cookie')).toBeUndefined();
    },
  ),
];

/** Far more than any takes, also where the machine has other things to do. */
const TIME = { timeout: 30_000 };
let stand: Stand;
beforeAll(async () => {
  stand = await createStand();
});
afterAll(() => stand.close());

const ROWS = CASES.flatMap((row) =>
  (row.ways ?? (['direct', 'parent'] as const)).map((way) => ({ name: row.name, way, row })),
);

test.for(ROWS)('$name ($way)', TIME, ({ row, way }) => checkReply(stand, row, way));

test.for(ROWS)('$name ($way), in pieces', TIME, async ({ row, way }) => {
  const { length } = row.reply;
  const cuts = length > 8192 ? [[1, length >> 1]] : [[1], [length >> 1], [length - 1]];
  for (const at of cuts) await checkReply(stand, row, way, at);
});

test.for(CASES)('$name, cut at any byte for the readers', TIME, ({ reply }) =>
  expectSameAtEverySplit(Buffer.from(reply, 'latin1'), 'reply'),
);
