import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Endpoint } from '#engine/protocol.ts';

/** Milliseconds without a byte. */
const PATIENCE = 10_000;

export interface Page {
  readonly status: number;
  readonly body: string;
}

/** Asks a proxy for a page, as any program does that knows nothing of NTLM. */
export async function getThrough(proxy: Endpoint, url: string): Promise<Page> {
  const { host } = new URL(url);
  const asked = request({
    ...proxy,
    path: url,
    headers: { host },
    agent: false,
    timeout: PATIENCE,
  });
  asked.end();
  return readPage(await answerTo(asked));
}

/** Opens a tunnel with CONNECT, and asks for a page inside it. */
export async function getThroughTunnel(proxy: Endpoint, url: string): Promise<Page> {
  const { host, pathname } = new URL(url);
  const connect = request({
    ...proxy,
    method: 'CONNECT',
    path: host,
    agent: false,
    timeout: PATIENCE,
  });
  connect.end();
  const happened: unknown[] = await once(connect, 'connect');
  const [answer, socket] = happened;
  const status = hasStatus(answer) ? answer.statusCode : 0;
  if (status !== 200 || !(socket instanceof Socket)) return { status, body: '' };
  const agent = new Agent();
  agent.createConnection = () => socket;
  const asked = request({
    path: pathname,
    headers: { host, connection: 'close' },
    agent,
    timeout: PATIENCE,
  });
  asked.end();
  return readPage(await answerTo(asked));
}

function answerTo(asked: ReturnType<typeof request>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.once('response', resolve);
    asked.once('error', reject);
    asked.once('timeout', () => asked.destroy(new Error('no answer came')));
  });
}

async function readPage(answer: IncomingMessage): Promise<Page> {
  return { status: answer.statusCode ?? 0, body: await text(answer) };
}

function hasStatus(value: unknown): value is { readonly statusCode: number } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'statusCode' in value &&
    typeof value.statusCode === 'number'
  );
}
