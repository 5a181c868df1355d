import type { Socket } from 'node:net';
import { ProxyError, toProxyError } from '../errors.ts';
import { createHeadScan } from '../http1/head-scan.ts';
import { readRequestHead, type RequestHead } from '../http1/request-head.ts';
import type { Target } from '../http1/target.ts';
import { MAX_EMPTY_LINES, MAX_LINGER, MAX_PIPELINED, MAX_REQUEST_HEAD, MAX_REQUEST_LINE } from '../limits.ts';
import { createBatch } from '../upstream/batch.ts';
import type { HopConnection } from '../upstream/connection.ts';
import { createExchange, isConnectionBound, type Exchange } from './exchange.ts';
import type { Gate } from './gate.ts';
import { judge } from './policy.ts';
import { writeErrorReply, writeNoContent } from './reply.ts';
import { joinTunnel } from './tunnel.ts';

/** One client connection, as its listener sees it. */
export interface Client {
  /** Ends it as soon as it is idle. */
  drain(): void;
  destroy(): void;
}

type State = 'head' | 'exchange' | 'tunnel' | 'linger' | 'closed';

const HEAD_ERRORS = { broken: 'bad-request', tooLarge: 'head-too-large', max: MAX_REQUEST_HEAD } as const;

/** Serves one client connection: one request after another, each answered before the next is read. */
export function serveClient(socket: Socket, gate: Gate, closed: (client: Client) => void): Client {
  const out = createBatch(socket);
  const scan = createHeadScan(HEAD_ERRORS);
  const deadline = { at: gate.clock.now + gate.timers.idleClient, expire };
  let state: State = 'head';
  let exchange: Exchange | undefined;
  let request: RequestHead | undefined;
  let emptyLines = 0;
  let lingered = 0;
  let isReading = false;
  let hasEnded = false;
  let own: { connection: HopConnection; key: string; ways: Gate['ways'] } | undefined;

  function onData(bytes: Buffer): void {
    switch (state) {
      case 'head':
        scan.add(bytes);
        return readHeads();
      case 'exchange':
        return onExchangeData(bytes);
      case 'linger':
        lingered += bytes.length;
        if (lingered > MAX_LINGER) socket.destroy();
        return;
      case 'tunnel':
      case 'closed':
        return;
    }
  }

  /** Guarded against itself: a request that is answered at once asks for the next from within. */
  function readHeads(): void {
    if (isReading) return;
    isReading = true;
    try {
      while (state === 'head' && readOne()) continue;
    } catch (error) {
      refuse(toProxyError(error));
    } finally {
      isReading = false;
    }
  }

  /** @returns false when more bytes are needed */
  function readOne(): boolean {
    if (!skipEmptyLines()) return false;
    if (isOtherProtocol(scan.held[0])) {
      gate.log.info('A client spoke TLS, SOCKS or something else than HTTP to the HTTP port.');
      socket.destroy();
      return false;
    }
    const text = takeHead();
    if (text === undefined) {
      // From its first byte a head has its time, and no byte of it makes that longer.
      if (scan.held.length > 0 && !hasHeadDeadline) setHeadDeadline();
      return false;
    }
    emptyLines = 0;
    begin(readRequestHead(text));
    return true;
  }

  let hasHeadDeadline = false;
  function setHeadDeadline(): void {
    hasHeadDeadline = true;
    deadline.at = gate.clock.now + gate.timers.head;
  }

  function takeHead(): string | undefined {
    const text = scan.take();
    if (text !== undefined || scan.held.length <= MAX_REQUEST_LINE) return text;
    if (scan.held.subarray(0, MAX_REQUEST_LINE).includes('\r\n')) return undefined;
    throw new ProxyError('target-too-long', `The address is longer than ${MAX_REQUEST_LINE} bytes.`);
  }

  /** RFC 9112 §2.2 lets old clients put an empty line first. */
  function skipEmptyLines(): boolean {
    while (scan.held[0] === 0x0d) {
      if (scan.held.length < 2) return waitForHead();
      if (scan.held[1] !== 0x0a || emptyLines === MAX_EMPTY_LINES) {
        throw new ProxyError('bad-request', 'Something else than a request came first.');
      }
      emptyLines += 1;
      scan.skip(2);
    }
    return scan.held.length > 0;
  }

  function waitForHead(): false {
    if (!hasHeadDeadline) setHeadDeadline();
    return false;
  }

  function begin(head: RequestHead): void {
    request = head;
    const verdict = judge(head, gate);
    if (verdict.kind === 'answer-here') return answerHere(head);
    state = 'exchange';
    hasHeadDeadline = false;
    deadline.at = Infinity;
    const started = createExchange(head, verdict.target, exchangeClient, gate);
    exchange = started;
    if (!started.bodyDone) socket.pause();
    const isPinned = head.fields.length > 0 && isConnectionBound(head.fields, 'authorization');
    const connection = takeOwn(verdict.target);
    pinWanted = isPinned;
    targetKey = keyOf(verdict.target);
    started.start(connection);
  }

  let pinWanted = false;
  let targetKey = '';

  function answerHere(head: RequestHead): void {
    if (head.framing.kind !== 'none') {
      throw new ProxyError('bad-request', 'An OPTIONS request for the proxy itself has no body.');
    }
    out.text(writeNoContent(head, head.keepAlive));
    out.flush();
    if (!head.keepAlive) linger();
  }

  /** The connection behind us that is this client's own, if it leads to where it wants to go. */
  function takeOwn(target: Target): HopConnection | undefined {
    if (!own) return undefined;
    const { connection, key, ways } = own;
    if (connection.open && key === keyOf(target) && ways === gate.ways) return connection;
    own = undefined;
    connection.destroy();
    return undefined;
  }

  const exchangeClient = {
    out,
    readBody() {
      feedHeld();
      if (exchange?.takesBody) socket.resume();
    },
    pauseBody: () => socket.pause(),
    started(connection: HopConnection, fields: RequestHead['fields']) {
      if (pinWanted || isConnectionBound(fields, 'www-authenticate')) connection.pinned = true;
      if (connection.pinned) own = { connection, key: targetKey, ways: gate.ways };
    },
    finished(keepAlive: boolean) {
      exchange = undefined;
      if (!keepAlive || gate.stopping) return linger();
      state = 'head';
      deadline.at = gate.clock.now + gate.timers.idleClient;
      if (socket.isPaused()) socket.resume();
      readHeads();
      if (hasEnded && isIdle()) linger();
    },
    failed(error: ProxyError, replyBegun: boolean) {
      const isWhole = exchange?.bodyDone ?? true;
      exchange = undefined;
      if (replyBegun) return cut();
      answerError(error, isWhole && (request?.keepAlive ?? false));
    },
    tunnel(hop: Socket, first: Buffer) {
      const early = scan.takeRest();
      exchange = undefined;
      state = 'tunnel';
      gate.clock.forget(deadline);
      for (const event of ['data', 'end', 'error', 'close', 'drain']) socket.removeAllListeners(event);
      out.bytes(first);
      out.flush();
      if (early.length > 0) hop.write(early);
      joinTunnel(socket, hop, {
        clock: gate.clock,
        timers: gate.timers,
        ended: () => closed(self),
      });
      if (hasEnded) hop.end();
    },
  };

  function isIdle(): boolean {
    return state === 'head' && scan.held.length === 0;
  }

  function keyOf({ host, port }: Target): string {
    return `${host} ${port}`;
  }

  function onExchangeData(bytes: Buffer): void {
    scan.add(bytes);
    feedHeld();
    if (scan.held.length > MAX_PIPELINED && state === 'exchange') socket.pause();
  }

  /** Gives the body what waits; bytes behind its end stay for the next head. */
  function feedHeld(): void {
    const active = exchange;
    if (!active?.takesBody || scan.held.length === 0) return;
    try {
      scan.skip(active.takeBody(scan.held));
    } catch (error) {
      const { replyBegun } = active;
      active.cancel();
      exchange = undefined;
      if (replyBegun) return cut();
      refuse(toProxyError(error));
    }
  }

  /** The request was wrong: nothing behind it can be trusted to begin where it seems to. */
  function refuse(error: ProxyError): void {
    if (state === 'closed' || state === 'tunnel') return;
    scan.takeRest();
    answerError(error, false);
  }

  function answerError(error: ProxyError, keepAlive: boolean): void {
    gate.log.debug(() => `Answered ${error.status}: ${error.message}`);
    if (error.code === 'internal') gate.log.error(`Unexpected: ${String(error.cause)}`);
    const persists = keepAlive && !gate.stopping;
    socket.write(writeErrorReply(error, request, persists));
    if (!persists) return linger();
    exchangeClient.finished(true);
  }

  /** Ends a reply so that nobody can take what came of it for the whole. */
  function cut(): void {
    socket.resetAndDestroy();
  }

  /** Lets the last reply arrive: data that meets a closed socket would turn it into a reset. */
  function linger(): void {
    if (state === 'closed') return;
    state = 'linger';
    deadline.at = gate.clock.now + gate.timers.linger;
    socket.end();
    socket.resume();
    if (hasEnded) socket.end(() => socket.destroy());
  }

  function onEnd(): void {
    hasEnded = true;
    if (state === 'exchange' && exchange && !exchange.bodyDone) socket.destroy();
    else if (state === 'head') linger();
    else if (state === 'linger') socket.destroySoon();
  }

  function expire(): void {
    if (state === 'head' && scan.held.length > 0) {
      gate.clock.watch(deadline);
      return refuse(new ProxyError('request-timeout', 'The request did not come in time.'));
    }
    socket.destroy();
  }

  function onClose(): void {
    state = 'closed';
    gate.clock.forget(deadline);
    exchange?.cancel();
    own?.connection.destroy();
    closed(self);
  }

  const self: Client = {
    drain() {
      if (isIdle()) socket.destroy();
    },
    destroy: () => socket.destroy(),
  };

  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('error', () => undefined); // 'close' follows.
  socket.on('close', onClose);
  socket.on('drain', () => exchange?.clientDrained());
  gate.clock.watch(deadline);
  return self;
}

/** A TLS hello, SOCKS 4 or 5, SSL 2, or plain binary: answered by nothing that could be an echo. */
function isOtherProtocol(byte: number | undefined): boolean {
  return byte !== undefined && (byte < 0x09 || byte >= 0x7f || (byte > 0x0d && byte < 0x20));
}
