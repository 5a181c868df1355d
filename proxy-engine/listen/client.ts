import { ProxyError, toProxyError } from '../errors.ts';
import type { Field } from '../http1/fields.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { createRequestReader } from '../http1/request-reader.ts';
import type { Target } from '../http1/target.ts';
import { MAX_LINGER, MAX_PIPELINED } from '../limits.ts';
import { createBatch } from '../upstream/batch.ts';
import type { HopConnection } from '../upstream/connection.ts';
import type { Wire } from '../upstream/wire.ts';
import { createExchange } from './exchange.ts';
import type { Client, ClientRegistry, Gate } from './gate.ts';
import { createOwnConnection } from './own-connection.ts';
import { judge } from './policy.ts';
import { writeErrorReply, writeNoContent } from './reply.ts';
import { joinTunnel } from './tunnel.ts';

/** `linger`: the last reply is on its way, and what still comes is thrown away. */
type State = 'head' | 'exchange' | 'tunnel' | 'linger';

/** Serves one client connection: one request after another, each answered before the next is read. */
export function serveClient(wire: Wire, gate: Gate, registry: ClientRegistry): void {
  const { clock, timers, log } = gate;
  const { socket } = wire;
  const out = createBatch(socket, () => exchange.clientDrained());
  const reader = createRequestReader();
  const own = createOwnConnection();
  const deadline = { at: clock.now + timers.idleClient, expire, place: -1 };
  const exchange = createExchange(
    { out, readBody, pauseBody: () => socket.pause(), started, finished, failed, tunnel },
    gate,
  );
  let state: State = 'head';
  let request: RequestHead | undefined;
  let route: { target: Target; ways: Gate['ways'] } | undefined;
  let lingered = 0;
  let isReading = false;
  let isHeadBegun = false;
  let hasEnded = false;

  function receive(bytes: Buffer): boolean {
    switch (state) {
      case 'head':
        reader.add(bytes);
        readHeads();
        break;
      case 'exchange':
        reader.add(bytes);
        feedBody();
        if (reader.held().length > MAX_PIPELINED) socket.pause();
        break;
      case 'linger':
        lingered += bytes.length;
        if (lingered > MAX_LINGER) socket.destroy();
        break;
      case 'tunnel':
        break;
    }
    reader.keep();
    return true;
  }

  /** Guarded against itself: a request that is answered at once asks for the next from within. */
  function readHeads(): void {
    if (isReading) return;
    isReading = true;
    try {
      while (state === 'head' && readHead()) continue;
    } catch (error) {
      refuse(toProxyError(error));
    } finally {
      isReading = false;
    }
  }

  /** @returns false when more bytes are needed */
  function readHead(): boolean {
    const head = reader.next();
    if (head === 'more') {
      // From its first byte on a head has its time, and no further byte makes that longer.
      if (reader.held().length > 0 && !isHeadBegun) {
        isHeadBegun = true;
        deadline.at = clock.now + timers.head;
      }
      return false;
    }
    if (head === 'other-protocol') {
      log.info('A client spoke TLS, SOCKS or something else than HTTP to the HTTP port.');
      socket.destroy();
      return false;
    }
    isHeadBegun = false;
    begin(head);
    return true;
  }

  function begin(head: RequestHead): void {
    request = head;
    const verdict = judge(head, gate);
    switch (verdict.kind) {
      case 'answer-here':
        return answerHere(head);
      case 'forward':
        return forward(head, verdict.target);
    }
  }

  function answerHere(head: RequestHead): void {
    if (head.framing.kind !== 'none') {
      throw new ProxyError('bad-request', 'An OPTIONS request for the proxy itself has no body.');
    }
    out.text(writeNoContent(head, head.keepAlive));
    out.flush();
    finished(head.keepAlive);
  }

  function forward(head: RequestHead, target: Target): void {
    const { ways } = gate;
    route = { target, ways };
    state = 'exchange';
    deadline.at = Infinity;
    // A tunnel takes a connection of its own: the one we have may be to the target itself.
    const connection = head.method === 'CONNECT' ? undefined : own.take(target, ways);
    exchange.begin(head, target, ways, connection);
  }

  function started(connection: HopConnection, fields: readonly Field[]): void {
    const isOurs = request && isSignIn(request.fields, 'authorization');
    if (isOurs || isSignIn(fields, 'www-authenticate')) connection.pinned = true;
    if (connection.pinned && route) own.keep(connection, route.target, route.ways);
  }

  function readBody(): void {
    feedBody();
    if (state === 'exchange' && exchange.takesBody()) socket.resume();
  }

  /** Gives the body what waits; bytes behind its end stay for the next head. */
  function feedBody(): void {
    if (state !== 'exchange' || !exchange.takesBody()) return;
    if (reader.held().length === 0 && !hasEnded) return;
    try {
      reader.skip(exchange.takeBody(reader.held()));
      if (hasEnded && !exchange.isBodyDone()) socket.destroy();
    } catch (error) {
      exchange.cancel();
      if (exchange.isReplyBegun()) cut();
      else refuse(toProxyError(error));
    }
  }

  function finished(keepAlive: boolean): void {
    if (!keepAlive || gate.stopping) return linger();
    state = 'head';
    deadline.at = clock.now + timers.idleClient;
    if (socket.isPaused()) socket.resume();
    readHeads();
    // What is left of a client that ended is at most part of a head, and no more will come.
    if (hasEnded && isBetween()) linger();
  }

  function failed(error: ProxyError, replyBegun: boolean): void {
    if (replyBegun) cut();
    else answer(error, exchange.isBodyDone() && (request?.keepAlive ?? false));
  }

  /** From here on nothing of this function is needed: the tunnel keeps none of it alive. */
  function tunnel(hop: Wire, first: Buffer): void {
    const early = Buffer.from(reader.takeRest());
    state = 'tunnel';
    clock.forget(deadline);
    own.close();
    for (const event of ['end', 'error', 'close']) socket.removeAllListeners(event);
    out.bytes(first);
    out.flush();
    if (early.length > 0) hop.socket.write(early);
    registry.remove(self);
    joinTunnel(wire, hop, gate, registry);
    if (hasEnded) hop.socket.end();
  }

  /** The request was wrong: nothing behind it can be trusted to begin where it seems to. */
  function refuse(error: ProxyError): void {
    reader.takeRest();
    answer(error, false);
  }

  function answer(error: ProxyError, keepAlive: boolean): void {
    log.debug(() => `Answered ${error.status}: ${error.message}`);
    if (error.code === 'internal') log.error(`Unexpected: ${String(error.cause)}`);
    socket.write(writeErrorReply(error, request, keepAlive && !gate.stopping));
    finished(keepAlive);
  }

  /** Ends a reply so that nobody can take what came of it for the whole. */
  function cut(): void {
    socket.resetAndDestroy();
  }

  /** Lets the last reply arrive: data that meets a closed socket would turn it into a reset. */
  function linger(): void {
    state = 'linger';
    deadline.at = clock.now + timers.linger;
    socket.resume();
    if (hasEnded) socket.end(() => socket.destroy());
    else socket.end();
  }

  /** No exchange is under way. */
  function isBetween(): boolean {
    return state === 'head';
  }

  function isIdle(): boolean {
    return isBetween() && reader.held().length === 0;
  }

  function onEnd(): void {
    hasEnded = true;
    if (state === 'head') linger();
    else if (state === 'linger') socket.end(() => socket.destroy());
    else if (!exchange.isBodyDone()) socket.destroy();
  }

  function expire(): void {
    if (state !== 'head' || reader.held().length === 0) return void socket.destroy();
    clock.watch(deadline);
    refuse(new ProxyError('request-timeout', 'The request did not come in time.'));
  }

  function onClose(): void {
    clock.forget(deadline);
    if (state === 'exchange') exchange.cancel();
    own.close();
    registry.remove(self);
  }

  const self: Client = {
    place: -1,
    drain() {
      if (isIdle()) socket.destroy();
    },
    destroy: () => socket.destroy(),
  };

  wire.receive = receive;
  socket.on('end', onEnd);
  socket.on('error', ignore);
  socket.on('close', onClose);
  clock.watch(deadline);
  registry.add(self);
}

/** 'close' follows. */
function ignore(): void {}

/** Whether a field begins or carries a sign-in that holds for its connection. */
function isSignIn(fields: readonly Field[], key: string): boolean {
  for (const field of fields) {
    if (field.key === key && /^(?:ntlm|negotiate)\b/i.test(field.value)) return true;
  }
  return false;
}
