import { ProxyError } from '../errors.ts';
import type { Field } from '../http1/fields.ts';
import type { Framing } from '../http1/framing.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { Target } from '../http1/target.ts';
import { writeEndToEnd } from '../http1/write.ts';
import type { HopConnection } from '../upstream/connection.ts';
import type { Outgoing } from '../upstream/outgoing.ts';
import type { Wire } from '../upstream/wire.ts';
import type { Gate, Ways } from './gate.ts';
import { createReplyWriter, type ReplyClient } from './reply-writer.ts';
import { createRequestBody, NONE, type RequestBody } from './request-body.ts';
import { writeProbe, writeRequest, type RequestText } from './request-writer.ts';

/** The client side of an exchange: what the connection it came over does for it. */
export interface ExchangeClient extends ReplyClient {
  /** Asks for the bytes of the body: those that wait, then those to come. */
  readBody(): void;
  pauseBody(): void;
  /** A reply has begun to arrive over this connection. */
  started(connection: HopConnection, fields: readonly Field[]): void;
  /** The reply is complete. */
  finished(keepAlive: boolean): void;
  /** There will be no reply, or no more of it. */
  failed(error: ProxyError, replyBegun: boolean): void;
  tunnel(hop: Wire, first: Buffer): void;
}

/**
 * The exchanges of one client connection, one at a time. It is made once per connection and begun
 * anew for each request: what would be made per request is most of what a short exchange costs.
 */
export interface Exchange {
  /** Starts it on a connection that is this client's own, or on one of the ways out. */
  begin(head: RequestHead, target: Target, ways: Ways, own: HopConnection | undefined): void;
  isBodyDone(): boolean;
  /** Whether bytes of the body can be taken now. */
  takesBody(): boolean;
  isReplyBegun(): boolean;
  /** @returns how many of the bytes were the body's */
  takeBody(bytes: Buffer): number;
  /** The client takes more of the reply again. */
  clientDrained(): void;
  /** The client has gone, or broke its own request. */
  cancel(): void;
}

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

export function createExchange(client: ExchangeClient, gate: Gate): Exchange {
  let text: RequestText | undefined;
  let body: RequestBody = NONE;
  let current: HopConnection | undefined;
  /** Made for whoever has to wait: an exchange on an idle connection never asks for it. */
  let abort: AbortController | undefined;
  let isCancelled = false;
  let isSent = false;

  const reply = createReplyWriter(client, gate, {
    isBodyDone: () => body.isDone(),
    started(connection, head) {
      current = connection;
      client.started(connection, head.fields);
      gate.log.debug(() => describe(need(text), connection, head.status));
    },
    finished: (keepAlive) => client.finished(keepAlive),
    failed: (error, begun) => client.failed(error, begun),
    tunnel: (hop, first) => client.tunnel(hop, first),
  });

  const outgoing: Outgoing = {
    method: '',
    target: NOWHERE,
    upgrade: undefined,
    hasBody: false,
    isBodyStarted: () => body.isStarted(),
    isSent: () => isSent,
    repeats: 0,
    sink: reply.sink,
    signal() {
      abort ??= new AbortController();
      if (isCancelled) abort.abort(clientGone());
      return abort.signal;
    },
    send(connection, authorization, keepBody = false) {
      const { head } = need(text);
      current = connection;
      // A next hop of HTTP/1.0 knows no 100: the client gets it from here, and need not wait.
      if (head.expectsContinue && connection.peerMinor() === 0) continueHere();
      if (head.framing.kind === 'chunked' && connection.peerMinor() === 0) {
        sendHeld(connection, authorization);
      } else {
        isSent = true;
        connection.out.text(writeRequest(need(text), connection, authorization, head.framing));
        if (!keepBody || !outgoing.hasBody) body.sendTo(connection);
      }
      if (outgoing.hasBody) client.readBody();
      connection.out.flush();
    },
    releaseBody() {
      if (!current || body.flows() || body.isDone()) return;
      body.sendTo(current);
      client.readBody();
    },
    probe(connection, authorization) {
      connection.out.text(writeProbe(need(text), authorization));
      connection.requestDone();
      connection.out.flush();
    },
    hold() {
      current = undefined;
      isSent = false;
      body.detach();
      client.pauseBody();
    },
    drained: () => client.readBody(),
  };

  function continueHere(): void {
    client.out.text(CONTINUE);
    client.out.flush();
  }

  function sendHeld(connection: HopConnection, authorization: string | undefined): void {
    body.holdFor(connection, (whole) => {
      const framing: Framing = { kind: 'length', length: whole.length };
      isSent = true;
      connection.out.text(writeRequest(need(text), connection, authorization, framing));
      connection.out.bytes(whole);
    });
  }

  return {
    begin(head, target, ways, own) {
      text = { head, target, endToEnd: writeEndToEnd(head, target, gate.pseudonym) };
      body = createRequestBody(head.framing);
      current = undefined;
      isSent = false;
      abort = undefined;
      reply.begin(head);
      outgoing.method = head.method;
      outgoing.target = target;
      outgoing.upgrade = head.upgrade;
      outgoing.hasBody = body !== NONE;
      outgoing.repeats = 0;
      if (!body.isDone()) client.pauseBody();
      if (own) return own.run(outgoing);
      switch (ways.route(target.host, target.port)) {
        case 'direct':
          return ways.direct.start(outgoing);
        case 'parents':
        case 'parents-or-direct':
          return ways.parents.start(outgoing);
      }
    },
    isBodyDone: () => body.isDone(),
    takesBody: () => body.flows(),
    isReplyBegun: () => reply.isBegun(),
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
  };
}

const NOWHERE = { host: '', port: 0 };

/** Nothing is sent before `begin`. */
function need(text: RequestText | undefined): RequestText {
  if (!text) throw new ProxyError('internal', 'An exchange was used before it began.');
  return text;
}

function describe({ head, target }: RequestText, { kind }: HopConnection, status: number): string {
  return `${head.method} ${target.host}:${target.port} by ${kind}: ${status}`;
}

function clientGone(): ProxyError {
  return new ProxyError('stopped', 'The client went away.');
}
