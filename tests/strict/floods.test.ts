import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createBodyReader } from '#engine/http1/body.ts';
import { CHUNKED } from '#engine/http1/framing.ts';
import { createHeadScan } from '#engine/http1/head-scan.ts';
import { readReplyHead } from '#engine/http1/reply-head.ts';
import { readRequestHead } from '#engine/http1/request-head.ts';
import { readAbsoluteTarget } from '#engine/http1/target.ts';
import { writeEndToEnd } from '#engine/http1/write.ts';
import { MAX_REQUEST_HEAD } from '#engine/limits.ts';
import { startEngine } from './start-engine.ts';

const COUNT = 1_000_000;

test('E18 a million chunks of one byte take linear time and no recursion', () => {
  const chunk = Buffer.from('1\r\nx\r\n'.repeat(10_000));
  const reader = createBodyReader();
  let size = 0;
  const emit = (data: Buffer): void => {
    size += data.length;
  };
  const times: number[] = [];
  reader.begin(CHUNKED);
  for (let round = 0; round < COUNT / 10_000; round += 1) {
    const from = performance.now();
    reader.push(chunk, emit);
    times.push(performance.now() - from);
  }
  reader.push(Buffer.from('0\r\n\r\n'), emit);
  expect([size, reader.isDone()]).toEqual([COUNT, true]);
  const half = times.length / 2;
  const sum = (part: number[]): number => part.reduce((total, time) => total + time, 0);
  expect(sum(times.slice(half))).toBeLessThan(3 * sum(times.slice(0, half)) + 100);
});

test(
  'E18 a hundred thousand chunks of one byte arrive as they were sent',
  { timeout: 30_000 },
  async () => {
    const hash = createHash('sha256');
    let size = 0;
    const server = createServer((request, response) => {
      request.on('data', (bytes: Buffer) => {
        hash.update(bytes);
        size += bytes.length;
      });
      request.on('end', () => response.end(hash.digest('hex')));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const authority = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    const engine = await startEngine({ route: 'direct' });
    const body = Array.from({ length: COUNT / 10 }, (_, at) => String.fromCharCode(97 + (at % 26)));
    const client = connect({ port: engine.port, host: '127.0.0.1' });
    client.write(
      `POST http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    client.write(`${body.map((byte) => `1\r\n${byte}\r\n`).join('')}0\r\n\r\n`);
    let answer = '';
    client.on('data', (bytes: Buffer) => (answer += bytes.toString('latin1')));
    await once(client, 'close');
    await engine.stop();
    server.close();
    expect(size).toBe(COUNT / 10);
    expect(answer).toContain(createHash('sha256').update(body.join('')).digest('hex'));
  },
);

const FRAME = 'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n';
const HEADS = [
  ['one long value', `${FRAME}X: ${'y'.repeat(60_000)}\r\n\r\n`],
  ['commas', `${FRAME}Connection: ${','.repeat(60_000)}\r\n\r\n`],
  ['names in Connection', `${FRAME}Connection: ${'ab,'.repeat(20_000)}\r\n\r\n`],
  ['many lines of names', `${FRAME}${`Connection: ${'a,'.repeat(115)}\r\n`.repeat(254)}\r\n`],
  [
    'names and fields',
    `${FRAME}${`Connection: ${'a,'.repeat(500)}\r\n`.repeat(50)}${'X: y\r\n'.repeat(200)}\r\n`,
  ],
  ['quotes', `${FRAME}Transfer-Encoding: ${'"'.repeat(60_000)}\r\n\r\n`],
  ['blanks', `${FRAME}X: ${' \t'.repeat(30_000)}y\r\n\r\n`],
  ['a long name', `${FRAME}${'X'.repeat(60_000)}: y\r\n\r\n`],
  ['many fields', `${FRAME}${'X: y\r\n'.repeat(254)}\r\n`],
  [
    'a long target',
    `GET http://a.example/${'a'.repeat(32_000)} HTTP/1.1\r\nHost: a.example\r\n\r\n`,
  ],
  ['digits', `${FRAME}Content-Length: ${'9'.repeat(60_000)}\r\n\r\n`],
] as const;

test.for(HEADS)('G22 a head of %s is read and written in a few milliseconds', ([, head]) => {
  const bytes = Buffer.from(head, 'latin1');
  const times = Array.from({ length: 20 }, () => {
    const from = performance.now();
    const scan = createHeadScan({
      broken: 'bad-request',
      tooLarge: 'head-too-large',
      max: MAX_REQUEST_HEAD,
    });
    scan.add(bytes);
    try {
      const read = readRequestHead(scan.take() ?? '');
      writeEndToEnd(read, readAbsoluteTarget(read.target, read.method), 'gatepass');
    } catch {
      // A refusal is an answer too: only its time is of interest.
    }
    return performance.now() - from;
  });
  // Some 3 ms at rest. What is quadratic takes a hundred.
  expect(Math.min(...times)).toBeLessThan(25);
});

test('G22 a reply head of many lines of names is read in a few milliseconds', () => {
  const lines = `Connection: ${'a,'.repeat(115)}\r\n`.repeat(500);
  const times = Array.from({ length: 10 }, () => {
    const from = performance.now();
    try {
      readReplyHead(`HTTP/1.1 200 OK\r\n${lines}\r\n`);
    } catch {
      // As above.
    }
    return performance.now() - from;
  });
  expect(Math.min(...times)).toBeLessThan(50);
});

test('G22 a head of 64 KiB that comes in single bytes costs linear time', () => {
  const bytes = Buffer.from(`${FRAME}X: ${'y'.repeat(60_000)}\r\n\r\n`, 'latin1');
  const from = process.cpuUsage();
  const scan = createHeadScan({
    broken: 'bad-request',
    tooLarge: 'head-too-large',
    max: MAX_REQUEST_HEAD,
  });
  let head: string | undefined;
  for (let at = 0; at < bytes.length; at += 1) {
    scan.add(bytes.subarray(at, at + 1));
    head = scan.take();
  }
  expect(head?.length).toBe(bytes.length);
  expect(process.cpuUsage(from).user).toBeLessThan(1_000_000);
});
