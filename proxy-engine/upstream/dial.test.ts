import { expect, onTestFinished, test } from 'vitest';
import { TIMERS } from '../limits.ts';
import { listenTcp, type TcpServer } from '../testing/tcp-server.ts';
import { dial, type DialOptions } from './dial.ts';

const OPTIONS: DialOptions = {
  kind: 'parent',
  timers: TIMERS,
  isOwn: () => false,
  signal: new AbortController().signal,
  plain: true,
};

async function start(): Promise<TcpServer> {
  const server = await listenTcp(() => undefined);
  onTestFinished(() => server.close());
  return server;
}

async function closedPort(): Promise<number> {
  const server = await listenTcp(() => undefined);
  await server.close();
  return server.port;
}

test('an address is dialled as it is, and its bytes wait for whoever asks for them', async () => {
  const server = await listenTcp((socket) => void socket.end('hello'));
  onTestFinished(() => server.close());
  const wire = await dial({ host: '127.0.0.1', port: server.port }, OPTIONS);
  onTestFinished(() => void wire.socket.destroy());
  const received: string[] = [];
  wire.receive = (bytes) => received.push(bytes.toString()) > 0;
  wire.socket.resume();
  await expect.poll(() => received.join('')).toBe('hello');
});

test('of a name’s addresses one that answers is taken', async () => {
  // Where localhost is ::1 as well, nobody listens there.
  const server = await start();
  const wire = await dial({ host: 'localhost', port: server.port }, OPTIONS);
  onTestFinished(() => void wire.socket.destroy());
  expect(wire.socket.remoteAddress).toContain('127.0.0.1');
});

test.for([
  ['parent', 'parent-refused', 'The parent proxy'],
  ['target', 'target-refused', 'The server'],
] as const)('a %s that refuses is named', async ([kind, code, who]) => {
  const port = await closedPort();
  const failure = dial({ host: '127.0.0.1', port }, { ...OPTIONS, kind });
  await expect(failure).rejects.toMatchObject({
    code,
    message: `${who} 127.0.0.1:${port} could not be reached: it refuses the connection.`,
  });
});

test('a name nobody knows is named', async () => {
  // Too long for the resolver to ask anybody.
  const host = `${'a'.repeat(64)}.invalid`;
  const failure = dial({ host, port: 80 }, { ...OPTIONS, kind: 'target' });
  await expect(failure).rejects.toMatchObject({ code: 'target-not-found' });
  await expect(failure).rejects.toThrow(host);
});

test('an address of our own is refused before it is dialled, also behind a name', async () => {
  const server = await start();
  const asked: string[] = [];
  const isOwn = (ip: string, port: number): boolean => {
    asked.push(`${ip} ${port}`);
    return true;
  };
  for (const host of ['127.0.0.1', 'localhost']) {
    const target = dial({ host, port: server.port }, { ...OPTIONS, isOwn, kind: 'target' });
    await expect(target).rejects.toMatchObject({ code: 'own-address' });
    const parent = dial({ host, port: server.port }, { ...OPTIONS, isOwn });
    await expect(parent).rejects.toMatchObject({ code: 'loop' });
  }
  expect(asked).toContain(`127.0.0.1 ${server.port}`);
  expect(server.accepted).toBe(0);
});

test('of several addresses only those that are not our own are dialled', async () => {
  const server = await start();
  const isOwn = (ip: string): boolean => ip === '::1';
  const wire = await dial({ host: 'localhost', port: server.port }, { ...OPTIONS, isOwn });
  onTestFinished(() => void wire.socket.destroy());
  expect(wire.socket.remoteAddress).toContain('127.0.0.1');
});

test('a client that leaves ends the dialling with its own reason', async () => {
  const reason = new Error('gone');
  const signal = AbortSignal.abort(reason);
  for (const host of ['127.0.0.1', 'localhost']) {
    await expect(dial({ host, port: 1 }, { ...OPTIONS, signal })).rejects.toBe(reason);
  }
});
