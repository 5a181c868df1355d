import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Timers } from '../limits.ts';
import { createStand, endpointOf, eventually, type Stand } from '../testing/engine-stand.ts';
import { createHoldingRelay } from '../testing/holding-relay.ts';
import { pieces } from '../testing/pattern.ts';
import { statusOf } from '../testing/read-messages.ts';
import { connectRequest, getRequest, innerRequest, verdictOf } from '../testing/requests.ts';
import { receivedBy, seenBy } from '../testing/sign-in-record.ts';
import { listenTcp } from '../testing/tcp-server.ts';

const WAYS = ['direct', 'parents'] as const;

/** A server at the far end of a tunnel, which says and does nothing by itself. */
interface FarEnd {
  readonly authority: string;
  readonly sockets: readonly Socket[];
  readonly text: string;
  readonly ended: number;
  readonly closed: number;
}

async function startFarEnd(): Promise<FarEnd> {
  const sockets: Socket[] = [];
  const state = { text: '', ended: 0, closed: 0 };
  const server = await listenTcp((socket) => {
    sockets.push(socket);
    socket.on('data', (bytes: Buffer) => (state.text += bytes.toString('latin1')));
    socket.on('end', () => (state.ended += 1));
    socket.on('close', () => (state.closed += 1));
  });
  onTestFinished(() => server.close());
  return {
    authority: server.authority,
    sockets,
    get text() {
      return state.text;
    },
    get ended() {
      return state.ended;
    },
    get closed() {
      return state.closed;
    },
  };
}

async function start(
  route: 'direct' | 'parents',
  timers: Partial<Timers> = {},
): Promise<{ stand: Stand; far: FarEnd }> {
  const stand = await createStand({ config: { route }, timers });
  onTestFinished(() => stand.close());
  return { stand, far: await startFarEnd() };
}

/** A parent that signs nobody in and answers as it is told; gives its connections. */
async function startScripted(stand: Stand, serve: (socket: Socket) => void): Promise<void> {
  const server = await listenTcp(serve);
  onTestFinished(() => server.close());
  await stand.engine.apply(
    stand.configure({
      parents: [endpointOf(server)],
      auth: { scheme: 'none', dialect: 'ntlmv2' },
    }),
  );
}

test.for(WAYS)('bytes sent along with the CONNECT arrive once, by %s', async (route) => {
  const { stand, far } = await start(route);
  const client = await stand.connect();
  client.socket.write(`${connectRequest(far.authority)}early bytes`);
  const { finals } = await client.replies('CONNECT');
  expect(finals[0]?.start).toBe('HTTP/1.1 200 Connection established');
  expect(finals[0]?.fields).toEqual([]);
  client.socket.write(', later bytes');
  await eventually(() => far.text.endsWith('later bytes'));
  expect(far.text).toBe('early bytes, later bytes');
});

test.for(WAYS)(
  'a tunnel to a server that was asked before leads to it as well, by %s',
  async (route) => {
    const { stand } = await start(route);
    const { authority } = stand.origin;
    const client = await stand.connect();
    expect(statusOf(await client.ask(getRequest(authority)))).toBe(200);
    const established = await client.ask(connectRequest(authority));
    expect(established.start).toBe('HTTP/1.1 200 Connection established');
    expect(statusOf(await client.ask(innerRequest(authority)))).toBe(200);
    expect(receivedBy(stand.origin)).toEqual(['GET 0', 'GET 0']);
  },
);

test('early bytes wait for the end of the sign-in', async () => {
  const { stand, far } = await start('parents');
  const client = await stand.connect();
  client.socket.write(`${connectRequest(far.authority)}early`);
  await eventually(() => far.text === 'early');
  expect(seenBy(stand.parent)).toEqual([['CONNECT 1', 'CONNECT 3']]);
  expect(stand.parent.stats.requests.map(({ bodyLength }) => bodyLength)).toEqual([0, 0]);
});

test('a megabyte sent before the tunnel is open arrives whole', async () => {
  const { stand, far } = await start('parents');
  const relay = await createHoldingRelay(stand.parent.port);
  onTestFinished(() => relay.close());
  await stand.engine.apply(stand.configure({ parents: [endpointOf(relay)] }));
  relay.hold();
  const client = await stand.connect();
  const early = Buffer.concat([...pieces(1024 * 1024)]);
  client.socket.write(Buffer.concat([Buffer.from(connectRequest(far.authority)), early]));
  await eventually(() => relay.proofs === 1);
  relay.release();
  await eventually(() => far.text.length >= early.length);
  expect(far.text === early.toString('latin1')).toBe(true);
});

test.for(WAYS)('what follows the end of the client’s side still arrives, by %s', async (route) => {
  const { stand, far } = await start(route);
  const client = await stand.connect();
  await client.ask(connectRequest(far.authority));
  client.socket.end('the last word');
  await eventually(() => far.ended === 1);
  expect(far.text).toBe('the last word');
  expect(client.ended).toBe('open');
  far.sockets[0]?.end('an answer');
  await client.until(() => client.ended === 'fin');
  expect(client.received.toString()).toBe('an answer');
});

test.for(WAYS)('what follows the end of the far side still arrives, by %s', async (route) => {
  const { stand, far } = await start(route);
  const client = await stand.connect();
  await client.ask(connectRequest(far.authority));
  far.sockets[0]?.end('the last word');
  await client.until(() => client.ended === 'fin');
  expect(client.received.toString()).toBe('the last word');
  client.socket.end('an answer');
  await eventually(() => far.ended === 1);
  expect(far.text).toBe('an answer');
});

test.for(WAYS)('a client that ends its side with the CONNECT is answered, by %s', async (route) => {
  const { stand, far } = await start(route);
  const client = await stand.connect();
  client.socket.end(`${connectRequest(far.authority)}all I have`);
  await eventually(() => far.ended === 1);
  expect(far.text).toBe('all I have');
  far.sockets[0]?.end('an answer');
  const { finals, rest } = await client.replies('CONNECT').then(async (replies) => {
    await client.until(() => client.ended === 'fin');
    return { ...replies, rest: client.received };
  });
  expect([statusOf(finals[0]), rest.toString()]).toEqual([200, 'an answer']);
});

test.for(WAYS)(
  'a reset of the far side reaches the client behind its data, by %s',
  async (route) => {
    const { stand, far } = await start(route);
    const client = await stand.connect();
    await client.ask(connectRequest(far.authority));
    far.sockets[0]?.write('before', () => far.sockets[0]?.resetAndDestroy());
    await client.until(() => client.ended !== 'open');
    expect(['', 'before']).toContain(client.received.toString());
  },
);

test.for(WAYS)('a reset of the client ends the far side, by %s', async (route) => {
  const { stand, far } = await start(route);
  const client = await stand.connect();
  await client.ask(connectRequest(far.authority));
  client.socket.resetAndDestroy();
  await eventually(() => far.closed + far.ended > 0);
});

test('a client that leaves before the parent answers takes its request back', async () => {
  const { stand } = await start('parents');
  const parents: Socket[] = [];
  let closed = 0;
  await startScripted(stand, (socket) => {
    parents.push(socket.resume());
    socket.on('close', () => (closed += 1));
    socket.on('end', () => void socket.end());
  });
  const client = await stand.connect();
  client.socket.write(connectRequest('far.example:443'));
  await eventually(() => parents.length === 1);
  client.socket.resetAndDestroy();
  await eventually(() => closed === 1);
});

test('a length in the answer to a CONNECT means nothing, and glued bytes are the tunnel’s', async () => {
  const { stand } = await start('parents');
  await startScripted(stand, (socket) => {
    socket.once('data', () => {
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nfirst and more',
      );
      socket.on('data', (bytes: Buffer) => socket.write(`<${bytes.toString()}>`));
    });
  });
  const client = await stand.connect();
  client.socket.write(connectRequest('far.example:443'));
  await client.until(() => client.received.includes('and more'));
  expect(client.received.toString()).toBe(
    'HTTP/1.1 200 Connection established\r\n\r\nfirst and more',
  );
  client.socket.write('up');
  await client.until(() => client.received.includes('<up>'));
});

test('an answer in single bytes opens the tunnel all the same', async () => {
  const { stand } = await start('parents');
  await startScripted(stand, (socket) => {
    socket.once('data', () => {
      const answer = 'HTTP/1.1 200 OK\r\nVia: 1.1 far\r\n\r\nhello'.split('');
      const next = (): void => {
        const byte = answer.shift();
        if (byte !== undefined) socket.write(byte, () => setImmediate(next));
      };
      next();
    });
  });
  const client = await stand.connect();
  client.socket.write(connectRequest('far.example:443'));
  await client.until(() => client.received.toString().endsWith('\r\n\r\nhello'));
});

test('a no of the parent to a CONNECT is passed on whole, and the client may go on', async () => {
  const { stand } = await start('parents');
  await startScripted(stand, (socket) => {
    socket.on('data', () => {
      socket.write('HTTP/1.1 403 Forbidden\r\nX-Reason: policy\r\nContent-Length: 3\r\n\r\nno!');
    });
  });
  const client = await stand.connect();
  for (let round = 0; round < 2; round += 1) {
    const reply = await client.ask(connectRequest('far.example:443'));
    expect([verdictOf(reply), reply.body.toString()]).toEqual(['403', 'no!']);
  }
  expect(client.ended).toBe('open');
});

test('a tunnel nobody uses is closed after its time, one that is used is not', async () => {
  const { stand, far } = await start('direct', { tunnelIdle: 300, head: 100 });
  const [idle, busy] = [await stand.connect(), await stand.connect()];
  await idle.ask(connectRequest(far.authority));
  await busy.ask(connectRequest(far.authority));
  const timer = setInterval(() => busy.socket.write('.'), 30);
  onTestFinished(() => clearInterval(timer));
  await idle.until(() => idle.ended !== 'open');
  await eventually(() => far.ended === 1);
  expect(busy.ended).toBe('open');
});

test('a tunnel of which one side has ended is closed after a shorter time', async () => {
  const { stand, far } = await start('direct', { halfClosed: 200, head: 100 });
  const client = await stand.connect();
  await client.ask(connectRequest(far.authority));
  client.socket.end();
  await eventually(() => far.ended === 1);
  await client.until(() => client.ended !== 'open');
});

test.for(WAYS)(
  'many tunnels at once, each ended by its client, leave nothing, by %s',
  async (route) => {
    const { stand } = await start(route);
    const echo = await listenTcp((socket) => void socket.pipe(socket));
    onTestFinished(() => echo.close());
    await Promise.all(
      Array.from({ length: 200 }, async (_, number) => {
        const client = await stand.connect();
        await client.ask(connectRequest(echo.authority));
        const text = `${number} `.repeat(5000);
        client.socket.end(text);
        await client.until(() => client.ended === 'fin', 10_000);
        expect(client.received.toString() === text).toBe(true);
        client.socket.destroy();
        if (!client.socket.closed) await once(client.socket, 'close');
      }),
    );
    await eventually(() => stand.parent.stats.open === 0);
  },
);
