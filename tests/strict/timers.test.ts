import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exchangeRaw } from '#engine/testing/raw-client.ts';
import { fieldOf, readReplies, statusOf, type Message } from '#engine/testing/read-messages.ts';
import { listenTcp } from '#engine/testing/tcp-server.ts';
import { createRecordingOrigin, type RecordingOrigin } from '#engine/testing/recording-origin.ts';
import { startEngine, type RunningEngine } from './start-engine.ts';

const HEAD = 400;
const SHORT = {
  head: HEAD,
  idleClient: HEAD,
  reply: HEAD,
  stall: HEAD,
  linger: 100,
  tunnelIdle: HEAD,
  halfClosed: HEAD / 2,
};
/** A timer is looked at from time to time: this much later at most. */
const LATE = 1000;

let origin: RecordingOrigin;
let engine: RunningEngine;
let get: string;
beforeAll(async () => {
  origin = await createRecordingOrigin();
  engine = await startEngine({ route: 'direct' }, SHORT);
  get = `GET http://${origin.authority}/ HTTP/1.1\r\nHost: ${origin.authority}\r\n`;
});
afterAll(async () => {
  await engine.stop();
  await origin.close();
});

interface Dripped {
  readonly reply: Message | undefined;
  readonly took: number;
}

/** Writes a byte every 20 ms, for ever, and reads until the end. */
function drip(text: string): Promise<Dripped> {
  const socket = connect({ port: engine.port, host: '127.0.0.1', noDelay: true });
  const from = performance.now();
  const received: Buffer[] = [];
  let at = 0;
  const timer = setInterval(() => {
    if (socket.writable) socket.write(text[at % text.length] ?? '', 'latin1');
    at += 1;
  }, 20);
  return new Promise((resolve) => {
    const end = (): void => {
      clearInterval(timer);
      const [reply] = readReplies(Buffer.concat(received), ['GET'], true).messages;
      resolve({ reply, took: performance.now() - from });
      socket.destroy();
    };
    socket.on('data', (bytes: Buffer) => received.push(bytes));
    socket.on('end', end);
    socket.on('error', end);
    setTimeout(end, 5000).unref();
  });
}

test('C19 a head that drips gets 408 at its deadline, however steadily it drips', async () => {
  const { reply, took } = await drip(`${get}X: ${'y'.repeat(10_000)}`);
  expect([statusOf(reply), fieldOf(reply, 'Connection')]).toEqual([408, 'close']);
  expect(took).toBeGreaterThan(HEAD / 2);
  expect(took).toBeLessThan(HEAD + LATE);
});

test('C19 empty lines that drip count as a head', async () => {
  const { took } = await drip('\r\n');
  expect(took).toBeLessThan(HEAD + LATE);
});

test('C19 the second head of a connection has a deadline too', async () => {
  const socket = connect({ port: engine.port, host: '127.0.0.1' });
  const received: Buffer[] = [];
  socket.write(`${get}\r\n${get}`);
  await new Promise<void>((resolve) => {
    socket.on('data', (bytes: Buffer) => received.push(bytes));
    socket.on('close', () => resolve());
    socket.on('end', () => socket.end());
  });
  const { messages } = readReplies(Buffer.concat(received), ['GET', 'GET'], true);
  expect(messages.map(statusOf)).toEqual([200, 408]);
});

test('C20 a connection without a byte is closed silently', async () => {
  const answer = await exchangeRaw(engine.port, []);
  expect([answer.bytes.length, answer.ended === 'hung']).toEqual([0, false]);
  expect(answer.took).toBeLessThan(HEAD + LATE);
});

test('C20 an idle connection is closed silently after its reply', async () => {
  const answer = await exchangeRaw(engine.port, [Buffer.from(`${get}\r\n`)]);
  const { messages, rest } = readReplies(answer.bytes, ['GET'], true);
  expect([messages.map(statusOf), rest.length]).toEqual([[200], 0]);
  expect(answer.ended).not.toBe('hung');
});

test('a body that stops coming ends the exchange', async () => {
  const post = get.replace('GET', 'POST');
  const answer = await exchangeRaw(engine.port, [
    Buffer.from(`${post}Content-Length: 10\r\n\r\nfour`),
  ]);
  expect(answer.ended).not.toBe('hung');
  expect(answer.took).toBeLessThan(HEAD + LATE);
});

test('R17 1xx for ever, one at a time, gets an error at the deadline', async () => {
  let timer: NodeJS.Timeout | undefined;
  origin.answerWith((_, { socket }) => {
    timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 20);
    socket.on('close', () => clearInterval(timer));
    return undefined;
  });
  const answer = await exchangeRaw(engine.port, [Buffer.from(`${get}Connection: close\r\n\r\n`)], {
    deadline: 5000,
  });
  origin.answerWith();
  const { messages } = readReplies(answer.bytes, ['GET'], true);
  expect([502, 504]).toContain(statusOf(messages.at(-1)));
  expect(answer.took).toBeLessThan(2500);
});

test('R29 a reply head that drips gets 504 at the deadline', async () => {
  origin.answerWith((_, { socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nX: ');
    const timer = setInterval(() => socket.write('y'), 20);
    socket.on('close', () => clearInterval(timer));
    return undefined;
  });
  const answer = await exchangeRaw(engine.port, [Buffer.from(`${get}Connection: close\r\n\r\n`)]);
  origin.answerWith();
  const { messages } = readReplies(answer.bytes, ['GET'], true);
  expect(messages.map(statusOf)).toEqual([504]);
  expect(answer.took).toBeGreaterThan(HEAD / 2);
  expect(answer.took).toBeLessThan(HEAD + LATE);
});

test('R29 no reply at all gets 504 at the deadline', async () => {
  origin.answerWith(() => undefined);
  const answer = await exchangeRaw(engine.port, [Buffer.from(`${get}Connection: close\r\n\r\n`)]);
  origin.answerWith();
  const { messages } = readReplies(answer.bytes, ['GET'], true);
  expect(messages.map(statusOf)).toEqual([504]);
  expect(answer.took).toBeLessThan(HEAD + LATE);
});

test('a reply body that stops coming is visibly cut', async () => {
  origin.answerWith(() => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour');
  const answer = await exchangeRaw(engine.port, [Buffer.from(`${get}\r\n`)]);
  origin.answerWith();
  const [reply] = readReplies(answer.bytes, ['GET'], answer.ended === 'fin').messages;
  expect([answer.ended === 'hung', reply?.complete ?? false]).toEqual([false, false]);
});

test('H10 a tunnel that is silent both ways is closed', async () => {
  const target = await listenTcp((socket) => socket.write('hello'));
  const head = `CONNECT ${target.authority} HTTP/1.1\r\nHost: ${target.authority}\r\n\r\n`;
  const answer = await exchangeRaw(engine.port, [Buffer.from(head)]);
  await target.close();
  expect(answer.bytes.toString('latin1')).toMatch(/hello$/);
  expect(answer.ended).not.toBe('hung');
  expect(answer.took).toBeGreaterThan(HEAD / 2);
  expect(answer.took).toBeLessThan(HEAD + LATE);
});

test('H10 a tunnel that one side has ended is closed when the other stays silent', async () => {
  const target = await listenTcp((socket) => socket.resume());
  const head = `CONNECT ${target.authority} HTTP/1.1\r\nHost: ${target.authority}\r\n\r\n`;
  const answer = await exchangeRaw(engine.port, [Buffer.from(head)], { after: 'fin' });
  await target.close();
  expect(answer.ended).not.toBe('hung');
  expect(answer.took).toBeLessThan(HEAD + LATE);
});

test('H10 a tunnel in use stays open for longer than its timer', async () => {
  const target = await listenTcp((socket) => socket.pipe(socket));
  const client = connect({ port: engine.port, host: '127.0.0.1', noDelay: true });
  const from = performance.now();
  let echoed = 0;
  client.write(`CONNECT ${target.authority} HTTP/1.1\r\nHost: ${target.authority}\r\n\r\n`);
  const timer = setInterval(() => client.write('x'), HEAD / 4);
  await new Promise<void>((resolve) => {
    client.on('data', () => {
      echoed += 1;
      if (performance.now() - from > 3 * HEAD) resolve();
    });
    client.on('close', () => resolve());
  });
  clearInterval(timer);
  const isOpen = !client.destroyed && !client.readableEnded;
  client.destroy();
  await target.close();
  expect([isOpen, echoed > 8]).toEqual([true, true]);
});
