import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http';

/** What a client got for one request. */
export interface Got {
  readonly status: number;
  /** The Proxy-Status header, where Gatepass itself answered. */
  readonly proxyStatus: string;
  readonly body: string;
  /** The request went over a connection that had served one before. */
  readonly reused: boolean;
}

/** GET through a proxy on loopback. Without an agent over a connection of its own. */
export async function get(proxyPort: number, url: string, agent?: Agent): Promise<Got> {
  const sent = request({
    host: '127.0.0.1',
    port: proxyPort,
    path: url,
    headers: { host: new URL(url).host },
    agent: agent ?? false,
  });
  sent.end();
  const reply = await replyOf(sent, 'response');
  let body = '';
  for await (const piece of reply.setEncoding('utf8')) body += String(piece);
  return { ...headOf(reply), body, reused: sent.reusedSocket };
}

/** CONNECT through a proxy on loopback; the tunnel is closed at once. */
export async function tunnel(proxyPort: number, authority: string): Promise<Got> {
  const sent = request({
    host: '127.0.0.1',
    port: proxyPort,
    method: 'CONNECT',
    path: authority,
    headers: { host: authority },
    agent: false,
  });
  sent.end();
  const reply = await replyOf(sent, 'connect');
  sent.destroy();
  return { ...headOf(reply), body: '', reused: false };
}

/** A client with one connection that it keeps. */
export function keepAliveClient(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

function replyOf(sent: ClientRequest, event: 'response' | 'connect'): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('error', reject);
    sent.once(event, resolve);
    sent.setTimeout(30_000, () => sent.destroy(new Error('no reply within 30 s')));
  });
}

function headOf(reply: IncomingMessage): Pick<Got, 'status' | 'proxyStatus'> {
  const proxyStatus = reply.headers['proxy-status'];
  return { status: reply.statusCode ?? 0, proxyStatus: String(proxyStatus ?? '') };
}
