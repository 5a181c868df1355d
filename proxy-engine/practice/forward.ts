import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { readBody, requestFraming, responseFraming } from './body.ts';
import type { Framing } from './body.ts';
import { mentions, readHead, valueOf, without, writeHead } from './head.ts';
import type { Field, Head } from './head.ts';
import { createInput, pump, send } from './input.ts';
import type { Input } from './input.ts';
import type { Quirks } from './quirks.ts';
import { connectionFields } from './replies.ts';

/** One request under way, and where its answer goes. */
export interface Errand {
  readonly head: Head;
  readonly input: Input;
  readonly socket: Socket;
  readonly quirks: Quirks;
  /** Whether the client lets the connection live on. */
  readonly keepAlive: boolean;
  readonly countContent: (bytes: number) => void;
}

const HOP_BY_HOP = [
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-authenticate',
  'upgrade',
];

/** Opens a connection to a target, or gives undefined if there is none to be had. */
export async function reach(host: string, port: number): Promise<Socket | undefined> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  try {
    await once(socket, 'connect');
    // From here on a failure shows in what is read and written.
    socket.on('error', () => undefined);
    return socket;
  } catch {
    return undefined;
  }
}

/**
 * Passes a request on and its answer back, both as they come. Gives the status, and whether the
 * client's connection is still good for another request; undefined if there was no answer.
 */
export async function forward(
  errand: Errand,
  origin: Socket,
  path: string,
): Promise<{ readonly status: number; readonly reusable: boolean } | undefined> {
  const back = createInput(origin);
  const upload = { done: false };
  const sending = sendRequest(errand, origin, path).then(
    () => void (upload.done = true),
    // The origin may answer and close before it has read everything.
    () => undefined,
  );
  const answer = await readFinalHead(errand, back).catch(() => undefined);
  if (!answer) return undefined;
  const status = Number(answer.start[1]);
  if (status === 101) {
    await join(errand, back, origin);
    return { status, reusable: false };
  }
  const framing = responseFraming(answer, errand.head.start[0]);
  const reusable = errand.keepAlive && keepsFraming(framing, errand.quirks);
  await sendAnswer(errand, answer, framing, back, reusable);
  if (reusable && origin.writable) await sending;
  origin.destroy();
  return { status, reusable: reusable && upload.done };
}

/** Joins client and target until both have ended, each side's end passed on by itself. */
export async function join(
  { input, socket }: Pick<Errand, 'input' | 'socket'>,
  back: Input,
  target: Socket,
): Promise<void> {
  socket.once('close', () => target.destroySoon());
  target.once('close', () => socket.destroySoon());
  await Promise.all([pump(input.rest(), target), pump(back.rest(), socket)]);
}

async function sendRequest(errand: Errand, origin: Socket, path: string): Promise<void> {
  const { head, input } = errand;
  const fields: Field[] = [...without(head.headers, ...HOP_BY_HOP)];
  const upgrade = mentions(head, 'connection', 'upgrade') ? valueOf(head, 'upgrade') : undefined;
  if (upgrade === undefined) fields.push(['Connection', 'close']);
  else fields.push(['Connection', 'Upgrade'], ['Upgrade', upgrade]);
  await send(origin, writeHead(`${head.start[0]} ${path} HTTP/1.1`, fields));
  for await (const { bytes, isContent } of readBody(input, requestFraming(head))) {
    if (isContent) errand.countContent(bytes.length);
    await send(origin, bytes);
  }
}

/** Passes informational answers on until the one that counts comes. */
async function readFinalHead({ socket }: Errand, back: Input): Promise<Head> {
  for (;;) {
    const head = await readHead(back);
    if (!head) throw new Error('the origin closed without an answer');
    const status = Number(head.start[1]);
    if (status === 101 || (status >= 100 && status < 200)) {
      await send(socket, writeHead(head.start.join(' '), head.headers));
    }
    if (status === 101 || status >= 200) return head;
  }
}

async function sendAnswer(
  { socket, quirks }: Errand,
  answer: Head,
  framing: Framing,
  back: Input,
  reusable: boolean,
): Promise<void> {
  const unframed = quirks.http10 ? ['transfer-encoding', 'trailer'] : [];
  const fields = [
    ...without(answer.headers, ...HOP_BY_HOP, ...unframed),
    ...connectionFields(quirks, !reusable),
  ];
  const version = quirks.http10 ? 'HTTP/1.0' : 'HTTP/1.1';
  let held = Buffer.from(
    writeHead(`${version} ${answer.start[1]} ${answer.start[2]}`, fields),
    'latin1',
  );
  for await (const { bytes, isContent } of readBody(back, framing)) {
    if (quirks.http10 && !isContent) continue;
    await send(socket, held.length === 0 ? bytes : Buffer.concat([held, bytes]));
    held = Buffer.alloc(0);
  }
  if (held.length > 0) await send(socket, held);
}

/** Whether the client can tell where the body ends without our closing. */
function keepsFraming(framing: Framing, quirks: Quirks): boolean {
  if (framing.kind === 'until-close') return false;
  return framing.kind !== 'chunked' || !quirks.http10;
}
