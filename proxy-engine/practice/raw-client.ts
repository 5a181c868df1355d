import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { readBody, responseFraming } from './body.ts';
import { readHead, valueOf } from './head.ts';
import type { Head } from './head.ts';
import { createInput, send } from './input.ts';
import type { Input } from './input.ts';

export interface Answer {
  readonly status: number;
  readonly version: string;
  readonly head: Head;
  readonly body: string;
  /** The challenge of an `NTLM` or `Negotiate` answer, decoded. */
  readonly challenge?: Buffer;
}

export interface RawClient {
  readonly socket: Socket;
  readonly input: Input;
  /** Sends one request and reads one answer; undefined if the parent closed instead. */
  ask(method: string, target: string, ...fields: readonly string[]): Promise<Answer | undefined>;
  /** The same with a body. */
  upload(target: string, body: string, ...fields: readonly string[]): Promise<Answer | undefined>;
}

/** A client that sends exactly what it is told, for tests of what comes back. */
export async function createRawClient(port: number): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  const input = createInput(socket);

  async function exchange(method: string, lines: readonly string[], body: string) {
    try {
      await send(socket, [...lines, '', body].join('\r\n'));
      const head = await readHead(input);
      return head && (await readAnswer(input, head, method));
    } catch {
      return undefined;
    }
  }

  return {
    socket,
    input,
    ask: (method, target, ...fields) =>
      exchange(method, [`${method} ${target} HTTP/1.1`, 'Host: x', ...fields], ''),
    upload: (target, body, ...fields) =>
      exchange(
        'POST',
        [`POST ${target} HTTP/1.1`, 'Host: x', `Content-Length: ${body.length}`, ...fields],
        body,
      ),
  };
}

async function readAnswer(input: Input, head: Head, method: string): Promise<Answer> {
  const status = Number(head.start[1]);
  const isTunnel = method === 'CONNECT' && status === 200;
  const framing = isTunnel ? { kind: 'none' as const } : responseFraming(head, method);
  let body = '';
  for await (const { bytes, isContent } of readBody(input, framing)) {
    if (isContent) body += bytes.toString('latin1');
  }
  const token = /^(?:NTLM|Negotiate)\s+(\S+)/i.exec(valueOf(head, 'proxy-authenticate') ?? '')?.[1];
  const challenge = token === undefined ? undefined : Buffer.from(token, 'base64');
  return { status, version: head.start[0], head, body, ...(challenge && { challenge }) };
}
