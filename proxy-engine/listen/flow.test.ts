import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createCertificate } from '../testing/certificate.ts';
import { createStand, endpointOf, type Stand } from '../testing/engine-stand.ts';
import {
  createSum,
  patternStream,
  pieces,
  settled,
  sumOfPattern,
  type Sum,
} from '../testing/pattern.ts';
import { readReplies } from '../testing/read-messages.ts';
import { connectRequest, getRequest, postRequest } from '../testing/requests.ts';
import { listenTcp } from '../testing/tcp-server.ts';

const MEGABYTE = 1024 * 1024;
const SIZE = 40 * MEGABYTE;
/** What the system's own buffers take, of all connections on the way; the rest must be asked for. */
const MOST_ON_THE_WAY = 24 * MEGABYTE;
const WHOLE = sumOfPattern(SIZE);

const WAYS = ['direct', 'parents', 'TLS parents'] as const;
const FRAMINGS = ['length', 'chunked', 'until-close'] as const;
const DOWNLOADS = WAYS.flatMap((way) => FRAMINGS.map((framing) => ({ way, framing })));
const UPLOADS = WAYS.flatMap((way) =>
  (['length', 'chunked'] as const).map((framing) => ({ way, framing })),
);

async function start(way: (typeof WAYS)[number]): Promise<Stand> {
  const stand = await createStand({ config: { route: way === 'direct' ? 'direct' : 'parents' } });
  onTestFinished(() => stand.close());
  if (way !== 'TLS parents') return stand;
  const tls = createCertificate();
  await stand.replaceParent({ tls });
  const parent = { ...endpointOf(stand.parent), tls: { ca: tls.cert } };
  await stand.engine.apply(stand.configure({ parents: [parent] }));
  return stand;
}

/** An origin with a long content, that takes uploads only once it is told to. */
async function startOrigin() {
  const given = { bytes: 0 };
  const taken = createSum();
  const uploads: IncomingMessage[] = [];
  let isTaking = false;
  const takeAll = (): void => {
    for (const upload of uploads.splice(0)) upload.on('data', (bytes: Buffer) => taken.add(bytes));
  };
  const server = createServer((incoming, reply) => {
    if (incoming.method === 'POST') {
      uploads.push(incoming);
      if (isTaking) takeAll();
      incoming.on('end', () => reply.end('taken'));
      return;
    }
    const framing = incoming.headers['x-framing'];
    if (framing === 'length') reply.setHeader('Content-Length', SIZE);
    if (framing === 'until-close') reply.useChunkedEncodingByDefault = false;
    pipeline(
      patternStream(SIZE, (bytes) => void (given.bytes += bytes)),
      reply,
    ).catch(() => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    authority: `127.0.0.1:${portOf(server.address())}`,
    given,
    taken,
    /** Begins to read what is uploaded. */
    take() {
      isTaking = true;
      takeAll();
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address ? address.port : 0;
}

test.for(DOWNLOADS)(
  'a reader who waits stops a $framing download by $way, and loses no byte',
  { timeout: 30_000 },
  async ({ way, framing }) => {
    const stand = await start(way);
    const origin = await startOrigin();
    const sent = request({
      host: '127.0.0.1',
      port: stand.port,
      path: `http://${origin.authority}/`,
      headers: { host: origin.authority, 'x-framing': framing },
      agent: false,
    });
    sent.end();
    const reply = await replyTo(sent);
    expect(reply.statusCode).toBe(200);
    expect(await settled(() => origin.given.bytes)).toBeLessThan(MOST_ON_THE_WAY);
    const sum = createSum();
    for await (const bytes of reply) if (Buffer.isBuffer(bytes)) sum.add(bytes);
    expect([sum.length, sum.digest()]).toEqual([SIZE, WHOLE]);
  },
);

test.for(UPLOADS)(
  'an origin that waits stops a $framing upload by $way, and loses no byte',
  { timeout: 30_000 },
  async ({ way, framing }) => {
    const stand = await start(way);
    const origin = await startOrigin();
    let given = 0;
    const sent = request({
      host: '127.0.0.1',
      port: stand.port,
      method: 'POST',
      path: `http://${origin.authority}/`,
      headers: {
        host: origin.authority,
        ...(framing === 'length' && { 'content-length': SIZE }),
      },
      agent: false,
    });
    const upload = pipeline(
      patternStream(SIZE, (bytes) => void (given += bytes)),
      sent,
    );
    const answered = replyTo(sent);
    expect(await settled(() => given)).toBeLessThan(MOST_ON_THE_WAY);
    origin.take();
    await upload;
    const reply = await answered;
    reply.resume();
    expect(reply.statusCode).toBe(200);
    expect([origin.taken.length, origin.taken.digest()]).toEqual([SIZE, WHOLE]);
  },
);

async function replyTo(sent: ReturnType<typeof request>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', reject);
  });
}

test.for(WAYS)(
  'both ends of a tunnel by %s send more than is read, and lose no byte',
  { timeout: 30_000 },
  async (way) => {
    const stand = await start(way);
    const given = { up: 0, down: 0 };
    const served: Socket[] = [];
    const far = await listenTcp((socket) => {
      served.push(socket);
      void pipeline(
        patternStream(SIZE, (bytes) => void (given.down += bytes)),
        socket,
      ).catch(() => undefined);
    });
    onTestFinished(() => far.close());
    const near = connect({ port: stand.port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void near.destroy());
    near.on('error', () => undefined);
    near.write(connectRequest(far.authority));
    const early = await readHead(near);
    void pipeline(
      patternStream(SIZE, (bytes) => void (given.up += bytes)),
      near,
    ).catch(() => undefined);
    expect(await settled(() => given.up + given.down)).toBeLessThan(2 * MOST_ON_THE_WAY);

    const [up, down] = [createSum(), createSum()];
    down.add(early);
    const [server] = served;
    if (!server) throw new Error('Nobody came.');
    await Promise.all([readAll(server, up), readAll(near, down)]);
    expect([up.length, up.digest()]).toEqual([SIZE, WHOLE]);
    expect([down.length, down.digest()]).toEqual([SIZE, WHOLE]);
  },
);

test.for(WAYS)(
  'answers that wait for a slow reader are not overwritten by those behind them, by %s',
  { timeout: 30_000 },
  async (way) => {
    const stand = await start(way);
    const server = createServer((incoming, reply) => {
      const text = `${incoming.url} `.repeat(1500);
      reply.setHeader('Content-Length', text.length);
      reply.end(text);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const authority = `127.0.0.1:${portOf(server.address())}`;
    const wanted = Array.from({ length: 1500 }, (_, index) => `/${index}`);
    const slow = connect({ port: stand.port, host: '127.0.0.1' });
    onTestFinished(() => void slow.destroy());
    slow.on('error', () => undefined);
    slow.pause();
    slow.write(wanted.map((path) => getRequest(authority, path)).join(''));
    await settled(() => slow.bytesWritten);
    // Others use the same connections of the next hop meanwhile.
    const other = await stand.connect();
    for (let round = 0; round < 50; round += 1) {
      const path = `/other/${round}`;
      const reply = await other.ask(getRequest(authority, path));
      expect(reply.body.toString()).toBe(`${path} `.repeat(1500));
    }
    const received: Buffer[] = [];
    slow.on('data', (bytes: Buffer) => received.push(bytes));
    slow.resume();
    const total = wanted.reduce((sum, path) => sum + (path.length + 1) * 1500, 0);
    await settled(() => received.length);
    const { messages } = readReplies(
      Buffer.concat(received),
      wanted.map(() => 'GET'),
      false,
    );
    expect(messages).toHaveLength(wanted.length);
    expect(messages.reduce((sum, { body }) => sum + body.length, 0)).toBe(total);
    for (const [index, { body }] of messages.entries()) {
      expect(body.equals(Buffer.from(`/${index} `.repeat(1500)))).toBe(true);
    }
  },
);

test.for(WAYS)(
  'the end of an upload that waits is not overwritten by the request behind it, by %s',
  { timeout: 30_000 },
  async (way) => {
    const stand = await start(way);
    const server = createServer((incoming, reply) => {
      const sum = createSum();
      const end = (): void => void reply.end(`${sum.length} ${sum.digest()}`);
      // Long enough for everything on the way to fill up.
      setTimeout(() => {
        incoming.on('data', (bytes: Buffer) => sum.add(bytes));
        incoming.on('end', end);
      }, 100);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const authority = `127.0.0.1:${portOf(server.address())}`;
    const bodies = Array.from({ length: 12 }, (_, index) =>
      Buffer.concat([...pieces(1_000_000 * (index + 1))]).fill(index, 0, 50_000),
    );
    const client = await stand.connect();
    for (const body of bodies) client.socket.write(postRequest(authority, body));
    const { finals } = await client.replies(...bodies.map(() => 'POST'));
    const wanted = bodies.map((body) => {
      const sum = createSum();
      sum.add(body);
      return `${body.length} ${sum.digest()}`;
    });
    expect(finals.map(({ body }) => body.toString())).toEqual(wanted);
  },
);

/** Reads the head of a reply and stops; gives what came behind it. */
function readHead(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    let seen: Buffer = Buffer.alloc(0);
    const take = (bytes: Buffer): void => {
      seen = Buffer.concat([seen, bytes]);
      const end = seen.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.pause();
      socket.removeListener('data', take);
      resolve(seen.subarray(end + 4));
    };
    socket.on('data', take);
  });
}

async function readAll(socket: Socket, sum: Sum): Promise<void> {
  socket.on('data', (bytes: Buffer) => sum.add(bytes));
  socket.resume();
  await once(socket, 'end');
}
