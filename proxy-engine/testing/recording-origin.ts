import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { readRequests, type Message } from './read-messages.ts';

/** One connection a recording origin has accepted, with everything it has received so far. */
export interface Recorded {
  readonly socket: Socket;
  readonly bytes: () => Buffer;
  /** How the other side ended it. */
  readonly ended: () => 'open' | 'fin' | 'reset';
}

/**
 * Decides what is sent back, called for each whole request. `index` counts the requests of the
 * connection from 0. A string is sent as latin1; undefined sends nothing.
 */
export type Answer = (
  request: Message,
  connection: Recorded,
  index: number,
) => string | Buffer | undefined;

export interface RecordingOrigin {
  readonly port: number;
  /** `127.0.0.1:port`. */
  readonly authority: string;
  /** Connections that received something since the last `reset`, with that something. */
  readonly connections: readonly Recorded[];
  /** Sets what is answered from now on; without an argument the plain 200 with the body `ok`. */
  answerWith(answer?: Answer): void;
  /** Has bytes looked at as they come, before they are answered; without an argument no more. */
  watchWith(watch?: (connection: Recorded, bytes: Buffer) => void): void;
  /** Forgets what was recorded; open connections live on, as a pool's do. */
  reset(): void;
  /** Resolves once the condition holds; it is looked at after each byte and each end. */
  until(condition: () => boolean, deadline?: number): Promise<void>;
  close(): Promise<void>;
}

const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** The usual answer: 200 with the body `ok`, and none for HEAD. */
export const plainAnswer: Answer = (request) =>
  request.start.startsWith('HEAD ') ? PLAIN.slice(0, -2) : PLAIN;

/**
 * An origin, or a parent that asks for no sign-in, which keeps every byte it receives. It stops
 * answering at the first byte that is no strict HTTP/1.1.
 */
export async function createRecordingOrigin(): Promise<RecordingOrigin> {
  let answer = plainAnswer;
  let watch: ((connection: Recorded, bytes: Buffer) => void) | undefined;
  const open = new Map<Socket, { forget(): void }>();
  const all: Recorded[] = [];
  const watchers = new Set<() => void>();
  const notify = (): void => {
    for (const watcher of watchers) watcher();
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const chunks: Buffer[] = [];
    let ended: 'open' | 'fin' | 'reset' = 'open';
    let answered = 0;
    /** What belongs to no whole request yet. */
    let pending: Buffer = Buffer.alloc(0);
    const recorded = { socket, bytes: () => Buffer.concat(chunks), ended: () => ended };
    open.set(socket, {
      forget() {
        chunks.length = 0;
        answered = 0;
        pending = Buffer.alloc(0);
      },
    });
    all.push(recorded);
    socket.on('data', (bytes) => {
      chunks.push(bytes);
      watch?.(recorded, bytes);
      pending = Buffer.concat([pending, bytes]);
      for (;;) {
        const { messages, rest } = readRequests(pending, 1);
        const [request] = messages;
        if (!request?.complete) break;
        pending = rest;
        const reply = answer(request, recorded, answered);
        answered += 1;
        if (reply !== undefined && socket.writable) {
          socket.write(typeof reply === 'string' ? Buffer.from(reply, 'latin1') : reply);
        }
      }
      notify();
    });
    socket.on('end', () => {
      if (ended === 'open') ended = 'fin';
      socket.end();
      notify();
    });
    socket.on('error', () => {
      ended = 'reset';
      notify();
    });
    socket.on('close', () => {
      if (ended === 'open') ended = 'reset';
      open.delete(socket);
      notify();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;

  return {
    port,
    authority: `127.0.0.1:${port}`,
    get connections() {
      return all.filter(({ bytes }) => bytes().length > 0);
    },
    answerWith(next = plainAnswer) {
      answer = next;
    },
    watchWith(next) {
      watch = next;
    },
    reset() {
      const alive = all.filter(({ socket }) => open.has(socket));
      all.splice(0, all.length, ...alive);
      for (const { forget } of open.values()) forget();
    },
    until(condition, deadline = 3000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(look);
          reject(new Error('The recording origin never saw what was waited for.'));
        }, deadline);
        function look(): void {
          if (!condition()) return;
          clearTimeout(timer);
          watchers.delete(look);
          resolve();
        }
        watchers.add(look);
        look();
      });
    },
    async close() {
      for (const socket of open.keys()) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
