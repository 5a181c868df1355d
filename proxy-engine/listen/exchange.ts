import { ProxyError } from '../errors.ts';
import type { Framing } from '../http1/framing.ts';
import type { ReplyHead } from '../http1/reply-head.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { Target } from '../http1/target.ts';
import {
  writeConnect,
  writeEndToEnd,
  writeFraming,
  writeOriginRequest,
  writeParentRequest,
} from '../http1/write.ts';
import type { HopConnection } from '../upstream/connection.ts';
import type { Outgoing } from '../upstream/outgoing.ts';
import type { Wire } from '../upstream/wire.ts';
import type { Gate, Ways } from './gate.ts';
import { createReplyWriter, type ReplyClient } from './reply-writer.ts';
import { createRequestBody } from './request-body.ts';

/** The client side of an exchange: what the connection it came over does for it. */
export interface ExchangeClient extends ReplyClient {
  /** Asks for the bytes of the body: those that wait, then those to come. */
  readonly readBody: () => void;
  readonly pauseBody: () => void;
  /** A reply has begun to arrive over this connection. */
  started(connection: HopConnection, fields: ReplyHead['fields']): void;
  /** The reply is complete. */
  readonly finished: (keepAlive: boolean) => void;
  /** There will be no reply, or no more of it. */
  readonly failed: (error: ProxyError, replyBegun: boolean) => void;
  readonly tunnel: (hop: Wire, first: Buffer) => void;
}

/** One request and its reply. */
export interface Exchange {
  readonly bodyDone: boolean;
  /** Whether bytes of the body can be taken now. */
  readonly takesBody: boolean;
  readonly replyBegun: boolean;
  /** @returns how many of the bytes were the body's */
  takeBody(bytes: Buffer): number;
  /** The client takes more of the reply again. */
  clientDrained(): void;
  /** The client has gone, or broke its own request. */
  cancel(): void;
  /** Starts it on a connection that is this client's own, or on one of the ways out. */
  start(ways: Ways, own: HopConnection | undefined): void;
}

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

export function createExchange(
  head: RequestHead,
  target: Target,
  client: ExchangeClient,
  gate: Gate,
): Exchange {
  const body = createRequestBody(head.framing);
  const hasBody = head.framing.kind !== 'none';
  /** Made for whoever has to wait: an exchange on an idle connection never asks for it. */
  let abort: AbortController | undefined;
  let isCancelled = false;
  const endToEnd = writeEndToEnd(head, target, gate.pseudonym);
  let current: HopConnection | undefined;
  const reply = createReplyWriter(head, client, gate, {
    isBodyDone: () => body.done,
    isStarted: (connection, reply) => {
      current = connection;
      client.started(connection, reply.fields);
      gate.log.debug(
        () => `${head.method} ${target.host}:${target.port} by ${connection.kind}: ${reply.status}`,
      );
    },
    finished: client.finished,
    failed: client.failed,
    tunnel: client.tunnel,
  });

  const outgoing: Outgoing = {
    method: head.method,
    target,
    upgrade: head.upgrade,
    hasBody,
    get bodyStarted() {
      return body.started;
    },
    repeats: 0,
    sink: reply.sink,
    get signal() {
      abort ??= new AbortController();
      if (isCancelled) abort.abort(clientGone());
      return abort.signal;
    },
    send(connection, authorization, keepBody = false) {
      current = connection;
      if (head.framing.kind === 'chunked' && connection.peerMinor === 0) {
        return sendHeld(connection, authorization);
      }
      connection.out.text(writeHead(connection, head.method, authorization, head.framing));
      if (!keepBody || !hasBody) body.sendTo(connection);
      if (hasBody) client.readBody();
      connection.out.flush();
    },
    releaseBody() {
      if (!current || !hasBody || body.flows || body.done) return;
      body.sendTo(current);
      client.readBody();
    },
    probe(connection, authorization) {
      const hop = writeHop(authorization);
      connection.out.text(writeParentRequest('GET', target, endToEnd, hop));
      connection.requestDone();
      connection.out.flush();
    },
    hold() {
      current = undefined;
      body.detach();
      client.pauseBody();
    },
    drained: () => client.readBody(),
  };

  function writeHead(
    connection: HopConnection,
    method: string,
    authorization: string | undefined,
    framing: Framing,
  ): string {
    if (method === 'CONNECT') return writeConnect(target, endToEnd, writeHop(authorization));
    const hop =
      writeFraming(framing, head) +
      writeUpgrade() +
      writeExpect(connection) +
      writeHop(authorization);
    return connection.kind === 'parent'
      ? writeParentRequest(method, target, endToEnd, hop)
      : writeOriginRequest(method, target, endToEnd, hop);
  }

  function writeHop(authorization: string | undefined): string {
    return authorization === undefined ? '' : `Proxy-Authorization: ${authorization}\r\n`;
  }

  function writeUpgrade(): string {
    return head.upgrade === undefined ? '' : `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
  }

  /** A next hop of HTTP/1.0 knows no 100: the client gets it from here, and need not wait. */
  function writeExpect(connection: HopConnection): string {
    if (!head.expectsContinue) return '';
    if (connection.peerMinor === 1) return 'Expect: 100-continue\r\n';
    client.out.text(CONTINUE);
    client.out.flush();
    return '';
  }

  function sendHeld(connection: HopConnection, authorization: string | undefined): void {
    body.holdFor(connection, (whole) => {
      const framing: Framing = { kind: 'length', length: whole.length };
      connection.out.text(writeHead(connection, head.method, authorization, framing));
      connection.out.bytes(whole);
    });
    if (head.expectsContinue) writeExpect(connection);
    client.readBody();
  }

  return {
    get bodyDone() {
      return body.done;
    },
    get takesBody() {
      return body.flows;
    },
    get replyBegun() {
      return reply.begun;
    },
    takeBody(bytes) {
      const count = body.take(bytes);
      if (current && !current.out.flush()) client.pauseBody();
      return count;
    },
    clientDrained: () => current?.resume(),
    cancel() {
      isCancelled = true;
      abort?.abort(clientGone());
      // A connection in the middle of its sign-in looks after itself: see upstream/leg.ts.
      if (current?.ready) current.destroy();
    },
    start(ways, own) {
      if (own) return own.run(outgoing);
      switch (ways.route(target.host, target.port)) {
        case 'direct':
          return ways.direct.start(outgoing);
        case 'parents':
        case 'parents-or-direct':
          return ways.parents.start(outgoing);
      }
    },
  };
}

function clientGone(): ProxyError {
  return new ProxyError('stopped', 'The client went away.');
}
