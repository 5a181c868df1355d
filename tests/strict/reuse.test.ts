import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exchangeRaw, type RawAnswer } from '#engine/testing/raw-client.ts';
import { fieldOf, readReplies, statusOf } from '#engine/testing/read-messages.ts';
import { plainAnswer, type Recorded } from '#engine/testing/recording-origin.ts';
import type { Way } from './case.ts';
import { createStand, type Stand } from './stand.ts';
import { startEngine } from './start-engine.ts';

const WAYS = ['direct', 'parent'] as const;
const GET = 'GET http://%A%/ HTTP/1.1\r\nHost: %A%\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

let stand: Stand;
beforeAll(async () => {
  stand = await createStand();
});
afterAll(() => stand.close());

interface Pair {
  readonly statuses: readonly number[];
  readonly bodies: readonly string[];
  /** Whether the second request came over the connection of the first. */
  readonly isReused: boolean;
}

/**
 * Two requests over one client connection, the first answered with `reply`, the second as usual.
 * The second is sent when the first is answered, and `between` has had its turn.
 */
async function askTwice(
  way: Way,
  reply: string,
  first = GET,
  between: (connection: Recorded) => Promise<void> = () => Promise.resolve(),
): Promise<Pair> {
  const hop = stand.hop(way);
  hop.reset();
  const used: Recorded[] = [];
  hop.answerWith((request, connection, index) => {
    used.push(connection);
    return used.length === 1 ? reply : plainAnswer(request, connection, index);
  });
  const method = first.split(' ')[0] ?? '';
  const { port } = stand.engine(way);
  const answers: RawAnswer[] = [];
  if (way === 'parent') {
    // The pool of a parent serves every client.
    answers.push(await ask(port, first, way, [method]));
    if (used[0]) await between(used[0]);
    answers.push(await ask(port, GET, way, ['GET']));
  } else {
    answers.push(await ask(port, first + GET, way, [method, 'GET']));
  }
  hop.answerWith();
  const replies = answers.flatMap(({ bytes, ended }, index) => {
    const methods = way === 'parent' && index === 1 ? ['GET'] : [method, 'GET'];
    return readReplies(bytes, methods, ended === 'fin').messages;
  });
  return {
    statuses: replies.map(statusOf),
    bodies: replies.map(({ body }) => body.toString('latin1')),
    isReused: used[0] === used[1],
  };
}

function ask(port: number, text: string, way: Way, methods: readonly string[]): Promise<RawAnswer> {
  return exchangeRaw(port, [stand.fill(text, way)], {
    until: (got) => {
      const { messages } = readReplies(got, methods, false);
      return messages.filter(({ complete }) => complete).length === methods.length;
    },
  });
}

const HEAD = GET.replace('GET', 'HEAD');
const REPLIES: { name: string; reply: string; status: number; reused: boolean; first?: string }[] =
  [
    { name: 'R26 a plain reply', reply: OK, status: 200, reused: true },
    {
      name: 'R26 chunks',
      reply: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      status: 200,
      reused: true,
    },
    {
      name: 'R26 Connection: close',
      reply: OK.replace('OK\r\n', 'OK\r\nConnection: close\r\n'),
      status: 200,
      reused: false,
    },
    { name: 'R26 HTTP/1.0', reply: OK.replace('1.1', '1.0'), status: 200, reused: false },
    {
      name: 'R26 HTTP/1.0 with keep-alive',
      reply: OK.replace('1.1 200 OK', '1.0 200 OK\r\nConnection: keep-alive'),
      status: 200,
      reused: true,
    },
    {
      name: 'R9 chunks beside a length',
      reply:
        'HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      status: 200,
      reused: false,
    },
    {
      name: 'R19 204 with a body',
      reply: 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok',
      status: 204,
      reused: false,
    },
    {
      name: 'R19 304 with a body',
      reply: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok',
      status: 304,
      reused: false,
    },
    {
      name: 'R19 204 without one',
      reply: 'HTTP/1.1 204 No Content\r\n\r\n',
      status: 204,
      reused: true,
    },
    { name: 'R19 HEAD with a body', reply: OK, status: 200, reused: false, first: HEAD },
    {
      name: 'R20 a second reply behind the first',
      reply: `${OK}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong`,
      status: 200,
      reused: false,
    },
    { name: 'R20 a byte behind the reply', reply: `${OK}\r`, status: 200, reused: false },
  ];

test.for(REPLIES.flatMap((row) => WAYS.map((way) => ({ ...row, way }))))(
  '$name: the connection serves another request: $reused ($way)',
  async ({ reply, status, reused, first, way }) => {
    const pair = await askTwice(way, reply, first);
    expect([pair.statuses, pair.bodies[1], pair.isReused]).toEqual([[status, 200], 'ok', reused]);
  },
);

test('R21 bytes on an idle connection to a parent end it', async () => {
  const pair = await askTwice('parent', OK, GET, async (connection) => {
    connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong');
    await stand.parent.until(() => connection.ended() !== 'open');
  });
  expect([pair.statuses, pair.bodies, pair.isReused]).toEqual([[200, 200], ['ok', 'ok'], false]);
});

test.for(WAYS)(
  'R22 a reply before the upload is whole is sent on at once, and ends it (%s)',
  async (way) => {
    const hop = stand.hop(way);
    hop.reset();
    let isAnswered = false;
    hop.watchWith(({ socket }) => {
      if (isAnswered) return;
      isAnswered = true;
      socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig');
    });
    const head = 'POST http://%A%/ HTTP/1.1\r\nHost: %A%\r\nContent-Length: 1000000000\r\n\r\n';
    const bytes = stand.fill(head + 'x'.repeat(1000), way);
    const answer = await exchangeRaw(stand.engine(way).port, [bytes]);
    const [reply] = readReplies(answer.bytes, ['POST'], answer.ended === 'fin').messages;
    expect([statusOf(reply), reply?.body.toString(), fieldOf(reply, 'Connection')]).toEqual([
      413,
      'big',
      'close',
    ]);
    expect(answer.ended).toBe('fin');
    await hop.until(() => hop.connections.every((connection) => connection.ended() !== 'open'));
    hop.watchWith();
  },
);

test('R28 a 407 from an origin is never answered with our credential', async () => {
  const engine = await startEngine({
    route: 'direct',
    auth: { scheme: 'ntlm', dialect: 'ntlmv2' },
    credential: {
      id: 'one',
      user: 'user',
      domain: 'CORP',
      workstation: 'PC',
      secrets: { ntlmv2: Buffer.alloc(16, 1), nt: Buffer.alloc(16, 2) },
    },
  });
  const { origin } = stand;
  origin.reset();
  origin.answerWith(
    () =>
      'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\nContent-Length: 2\r\n\r\nno',
  );
  const answer = await exchangeRaw(engine.port, [stand.fill(GET, 'direct')], {
    until: (got) => readReplies(got, ['GET'], false).messages.some(({ complete }) => complete),
  });
  origin.answerWith();
  await engine.stop();
  const [reply] = readReplies(answer.bytes, ['GET'], true).messages;
  expect([407, 502]).toContain(statusOf(reply));
  expect(origin.connections).toHaveLength(1);
  expect(origin.connections[0]?.bytes().toString('latin1')).not.toMatch(/authorization/i);
});

test.for(WAYS)(
  'R30 a client that does not read stops the sender (%s)',
  { timeout: 30_000 },
  async (way) => {
    const SIZE = 100 * 1024 * 1024;
    const MOST = 32 * 1024 * 1024;
    const hop = stand.hop(way);
    hop.reset();
    const piece = Buffer.alloc(64 * 1024, 'x');
    let sent = 0;
    let moved: () => void = () => undefined;
    hop.answerWith((_, { socket }) => {
      const fill = (): void => {
        while (sent < SIZE && !socket.writableNeedDrain) {
          sent += piece.length;
          socket.write(piece);
        }
        moved();
      };
      socket.on('drain', fill);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
      fill();
      return undefined;
    });
    const client = connect({ port: stand.engine(way).port, host: '127.0.0.1' });
    client.pause();
    client.write(stand.fill(GET, way));
    await new Promise<void>((quiet) => {
      let timer: NodeJS.Timeout | undefined;
      moved = () => {
        clearTimeout(timer);
        timer = setTimeout(quiet, 500);
      };
      moved();
    });
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(MOST);
    let received = 0;
    await new Promise<void>((whole) => {
      client.on('data', (bytes: Buffer) => {
        received += bytes.length;
        if (received > SIZE) whole();
      });
      client.resume();
    });
    client.destroy();
    hop.answerWith();
    expect(sent).toBe(SIZE);
  },
);
