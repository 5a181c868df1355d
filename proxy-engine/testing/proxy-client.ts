import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { readReplies, statusOf, type Message } from './read-messages.ts';

/** What came back for a number of requests. */
export interface Replies {
  readonly finals: readonly Message[];
  readonly informational: readonly Message[];
  /** What follows the last reply: the bytes of a tunnel. */
  readonly rest: Buffer;
}

/** A client of a proxy that keeps its one connection, and sends exactly what it is told. */
export interface ProxyClient {
  readonly socket: Socket;
  /** How the proxy ended the connection. */
  readonly ended: 'open' | 'fin' | 'reset';
  /** Everything received and not yet taken as a reply. */
  readonly received: Buffer;
  /** Waits for the replies to requests with these methods. Rejects if the connection ends first. */
  replies(...methods: readonly string[]): Promise<Replies>;
  /** Sends one request, head and body as given, and waits for its final reply. */
  ask(request: string | Buffer): Promise<Message>;
  /** Resolves once the condition holds; it is looked at after each byte and at the end. */
  until(condition: () => boolean, deadline?: number): Promise<void>;
}

/** Rejections name what was waited for; `deadline` in milliseconds is for each wait. */
export async function connectClient(port: number, deadline = 5000): Promise<ProxyClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  await once(socket, 'connect');
  let received: Buffer = Buffer.alloc(0);
  let ended: ProxyClient['ended'] = 'open';
  const watchers = new Set<() => void>();
  const notify = (): void => {
    for (const watcher of watchers) watcher();
  };
  socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    notify();
  });
  socket.on('end', () => {
    if (ended === 'open') ended = 'fin';
    notify();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (ended === 'open') ended = 'reset';
    notify();
  });

  function until(condition: () => boolean, limit = deadline): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        watchers.delete(look);
        const begin = JSON.stringify(received.toString('latin1', 0, 200));
        reject(new Error(`The client waited in vain (${ended}); it has ${begin}.`));
      }, limit);
      function look(): void {
        try {
          if (!condition()) return;
          resolve();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
        clearTimeout(timer);
        watchers.delete(look);
      }
      watchers.add(look);
      look();
    });
  }

  async function replies(...methods: readonly string[]): Promise<Replies> {
    let found: Replies | undefined;
    await until(() => {
      found = readSome(received, methods, ended === 'fin');
      return found !== undefined || ended !== 'open';
    });
    if (!found) {
      const begin = JSON.stringify(received.toString('latin1', 0, 200));
      throw new Error(`The connection ended (${ended}) before its reply; it has ${begin}.`);
    }
    received = found.rest;
    return found;
  }

  return {
    socket,
    get ended() {
      return ended;
    },
    get received() {
      return received;
    },
    until,
    replies,
    async ask(request) {
      const text = request.toString('latin1');
      socket.write(request, 'latin1');
      const { finals } = await replies(text.slice(0, text.indexOf(' ')));
      const [reply] = finals;
      if (!reply) throw new Error('There is no reply.');
      return reply;
    },
  };
}

/** The replies, once there is a whole one for each method; undefined before. */
function readSome(bytes: Buffer, methods: readonly string[], ended: boolean): Replies | undefined {
  const { messages, rest, problem } = readReplies(bytes, methods, ended);
  if (problem !== undefined) throw new Error(`The reply is no HTTP/1.1: ${problem}`);
  const isFinal = (message: Message): boolean =>
    statusOf(message) >= 200 || statusOf(message) === 101;
  const finals = messages.filter(isFinal);
  if (finals.length < methods.length || !finals.every(({ complete }) => complete)) return undefined;
  return { finals, informational: messages.filter((message) => !isFinal(message)), rest };
}
