import type { Socket } from 'node:net';
import { readBody, requestFraming } from './body.ts';
import type { Framing } from './body.ts';
import { forward, join, reach } from './forward.ts';
import { mentions, readHead, valueOf } from './head.ts';
import type { Head } from './head.ts';
import { createInput } from './input.ts';
import { authenticateFields, sendHead, sendReply } from './replies.ts';
import type { Rules } from './rules.ts';
import { createSignIn } from './sign-in.ts';
import type { Decision } from './sign-in.ts';
import { record } from './stats.ts';
import type { RecordedRequest } from './stats.ts';

interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** Serves one connection of a client until either side has had enough. */
export async function serveConnection(socket: Socket, rules: Rules, connection: number) {
  const { quirks, stats } = rules;
  const input = createInput(socket);
  const signIn = createSignIn(rules, connection);
  let current: Socket | undefined;
  socket.once('close', () => current?.destroy());

  /** Gives whether another request may follow. */
  async function serve(head: Head): Promise<boolean> {
    const [method, target] = head.start;
    const framing = requestFraming(head);
    const request: RecordedRequest = {
      connection,
      method,
      target,
      headers: head.headers,
      bodyLength: 0,
      identity: '',
      status: 0,
    };
    record(stats.requests, request);
    const authorization = valueOf(head, 'proxy-authorization');
    const decision = signIn.judge(authorization, framing.kind !== 'none');
    const keepAlive = wantsKeepAlive(head, quirks.http10, quirks.proxyConnectionOnly);
    switch (decision.kind) {
      case 'drop':
        return false;
      case 'hang':
        for await (const _ of input.rest()) continue;
        return false;
      case 'ask':
        return ask(head, request, decision, keepAlive);
      case 'forward':
        request.identity = decision.identity;
        return method === 'CONNECT'
          ? tunnel(head, request)
          : passOn(head, request, framing, keepAlive);
    }
  }

  async function ask(
    head: Head,
    request: RecordedRequest,
    { challenge, close }: Extract<Decision, { kind: 'ask' }>,
    keepAlive: boolean,
  ): Promise<boolean> {
    const endless = quirks.body407 === 'until-close' && challenge !== undefined && !close;
    const page = endless ? 'length' : quirks.body407;
    const closing = close || !keepAlive || page === 'until-close';
    request.status = 407;
    await sendReply(socket, quirks, {
      status: 407,
      reason: 'Proxy Authentication Required',
      // As Squid: a handshake that cannot go on is not even offered.
      fields: keepAlive || !challenge ? authenticateFields(quirks, challenge) : [],
      page,
      close: closing,
      headOnly: request.method === 'HEAD',
    });
    if (closing) return false;
    // A client that waits for leave to send its body sends none after a 407.
    if (mentions(head, 'expect', '100-continue')) return true;
    for await (const { bytes, isContent } of readBody(input, requestFraming(head))) {
      if (isContent) request.bodyLength += bytes.length;
    }
    return true;
  }

  async function passOn(
    head: Head,
    request: RecordedRequest,
    framing: Framing,
    keepAlive: boolean,
  ): Promise<boolean> {
    const target = parseTarget(request.target);
    if (!target) return fail(request, 400, 'Bad Request');
    if (quirks.http10 && framing.kind === 'chunked') return fail(request, 411, 'Length Required');
    const origin = await reach(target.host, target.port);
    if (!origin) return fail(request, 503, 'Service Unavailable');
    current = origin;
    try {
      const countContent = (bytes: number) => void (request.bodyLength += bytes);
      const errand = { head, input, socket, quirks, keepAlive, countContent };
      const answered = await forward(errand, origin, target.path);
      if (!answered) return await fail(request, 502, 'Bad Gateway');
      request.status = answered.status;
      return answered.reusable;
    } finally {
      origin.destroy();
    }
  }

  async function tunnel(head: Head, request: RecordedRequest): Promise<boolean> {
    const target = parseTarget(`http://${head.start[1]}`);
    const host = target && (await reach(target.host, target.port));
    if (!host) return fail(request, 503, 'Service Unavailable');
    request.status = 200;
    const version = quirks.http10 ? 'HTTP/1.0' : 'HTTP/1.1';
    await sendHead(socket, quirks, `${version} 200 Connection established`, []);
    await join({ input, socket }, createInput(host), host);
    return false;
  }

  async function fail(request: RecordedRequest, status: number, reason: string): Promise<boolean> {
    request.status = status;
    const headOnly = request.method === 'HEAD';
    await sendReply(socket, quirks, { status, reason, page: 'length', close: true, headOnly });
    return false;
  }

  for (let head = await readHead(input); head; head = await readHead(input)) {
    if (!(await serve(head))) break;
  }
  socket.destroySoon();
}

/** Whether the client lets the connection live on, in this parent's understanding. */
function wantsKeepAlive(head: Head, http10: boolean, proxyConnectionOnly: boolean): boolean {
  const names = proxyConnectionOnly ? ['proxy-connection'] : ['connection', 'proxy-connection'];
  if (names.some((name) => mentions(head, name, 'close'))) return false;
  const asked = names.some((name) => mentions(head, name, 'keep-alive'));
  return asked || (head.start[2] === 'HTTP/1.1' && !http10 && !proxyConnectionOnly);
}

function parseTarget(text: string): Target | undefined {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:') return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { host, port: Number(url.port || 80), path: url.pathname + url.search };
}
