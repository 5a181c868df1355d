import type { Socket } from 'node:net';
import { ProxyError, systemCode } from '../errors.ts';
import { createBodyReader } from '../http1/body.ts';
import { createHeadScan } from '../http1/head-scan.ts';
import { bodyOf, readReplyHead, type ReplyHead } from '../http1/reply-head.ts';
import { MAX_INFORMATIONAL, MAX_REPLY_HEAD, type Timers } from '../limits.ts';
import { createBatch, type Batch } from './batch.ts';
import type { Clock } from './clock.ts';
import type { HopKind } from './dial-failure.ts';
import type { Outgoing, ReplySink } from './outgoing.ts';
import type { Wire } from './wire.ts';

/** Who owns a connection while it is idle and looks after what is special on a reused one. */
export interface ConnectionOwner {
  /** The exchange is over and the connection can serve another. */
  released(connection: HopConnection): void;
  /** The connection is gone. Comes once. */
  closed(connection: HopConnection): void;
  /** A reused connection ended before the first byte of an answer. */
  lost(outgoing: Outgoing, error: ProxyError): void;
  /** A 407 on a connection that was ready. Whoever returns true answers for the exchange. */
  challenged(outgoing: Outgoing, head: ReplyHead): boolean;
  /** Starts an exchange on a connection that is ready. */
  run(connection: HopConnection, outgoing: Outgoing): void;
}

/** One keep-alive connection to a parent or an origin, one exchange at a time. */
export interface HopConnection {
  readonly socket: Socket;
  readonly kind: HopKind;
  readonly out: Batch;
  /** Idle and fit for the next exchange. */
  isOpen(): boolean;
  /** Signed in, or in no need of it: fit for any exchange of this identity. */
  ready: boolean;
  /** Belongs to one client for good: what it signed in to behind us must stay its own. */
  pinned: boolean;
  /** The next hop may answer with HTTP/1.0 (as its last reply did). */
  peerMinor(): 0 | 1;
  /** Expects a reply to `method` for `sink`. */
  begin(method: string, sink: ReplySink, outgoing: Outgoing): void;
  /** Starts an exchange the way its owner does. */
  run(outgoing: Outgoing): void;
  /** The whole request has been handed over. */
  requestDone(): void;
  /** Part of the request has been handed over: the next hop is not late yet. */
  touch(): void;
  /** Gives the rest of the present reply to another sink. */
  redirect(sink: ReplySink): void;
  resume(): void;
  destroy(): void;
}

type State = 'idle' | 'head' | 'body' | 'detached' | 'closed';

const HEAD_ERRORS = {
  broken: 'reply-broken',
  tooLarge: 'reply-head-too-large',
  max: MAX_REPLY_HEAD,
} as const;

export function createHopConnection(
  kind: HopKind,
  wire: Wire,
  owner: ConnectionOwner,
  clock: Clock,
  timers: Timers,
  /** What the next hop is known to speak; each reply corrects it. */
  peerMinor: 0 | 1 = 1,
): HopConnection {
  const { socket } = wire;
  const out = createBatch(socket, () => outgoing?.drained());
  const scan = createHeadScan(HEAD_ERRORS);
  const body = createBodyReader();
  const deadline = { at: Infinity, expire, place: -1 };
  let state: State = 'idle';
  let sink: ReplySink | undefined;
  let outgoing: Outgoing | undefined;
  let method = '';
  let uses = 0;
  let informational = 0;
  let answered = false;
  let requestSent = false;
  let persists = false;

  function receive(bytes: Buffer): boolean {
    if (state === 'idle') destroy(); // Nobody asked: whatever follows could be anyone's.
    if (state === 'closed') return false;
    answered = true;
    try {
      if (state === 'body') readBody(bytes);
      else readHead(bytes);
    } catch (error) {
      fail(error instanceof ProxyError ? asReplyError(error) : unexpected(error));
      return false;
    }
    if (state === 'head') scan.keep();
    return sink?.flush() ?? true;
  }

  function readHead(bytes: Buffer): void {
    scan.add(bytes);
    while (state === 'head') {
      const text = scan.take();
      if (text === undefined) return;
      onHead(readReplyHead(text));
    }
  }

  function onHead(head: ReplyHead): void {
    const { status } = head;
    if (status === 101) return onSwitch(head);
    if (status < 200) {
      informational += 1;
      if (informational > MAX_INFORMATIONAL) throw broken('The answer never gets past 1xx.');
      sink?.informational(head);
      return;
    }
    if (method === 'CONNECT' && status < 300) return detach(head);
    peerMinor = head.minor;
    persists = head.keepAlive;
    const framing = bodyOf(head, method);
    body.begin(framing);
    state = 'body';
    deadline.at = clock.now + timers.stall;
    if (status === 407 && self.ready && outgoing && owner.challenged(outgoing, head))
      return abandon();
    sink?.head(head, framing, self);
    if (!reads('body')) return;
    if (body.isDone()) return finish(scan.held().length > 0);
    const rest = scan.takeRest();
    if (rest.length > 0) readBody(rest);
  }

  function onSwitch(head: ReplyHead): void {
    if (outgoing?.upgrade === undefined) throw broken('The answer switches protocols unasked.');
    detach(head);
  }

  /** From here on the bytes are the tunnel's (RFC 9110 §9.3.6), so nothing is read as HTTP. */
  function detach(head: ReplyHead): void {
    const receiver = sink;
    const first = Buffer.from(scan.takeRest());
    state = 'detached';
    clock.forget(deadline);
    for (const event of ['end', 'error', 'close']) socket.removeAllListeners(event);
    socket.on('error', ignore);
    owner.closed(self);
    sink = undefined;
    receiver?.tunnel(head, wire, first);
  }

  function readBody(bytes: Buffer): void {
    const count = body.push(bytes, give);
    deadline.at = clock.now + timers.stall;
    if (reads('body') && body.isDone()) finish(count < bytes.length);
  }

  /** A sink may have destroyed the connection while it took what came. */
  function reads(part: State): boolean {
    return state === part;
  }

  function give(bytes: Buffer): void {
    sink?.data(bytes);
  }

  /** A reply with more bytes behind it, or one that came before its request was whole, is the last. */
  function finish(hasMore: boolean): void {
    const receiver = sink;
    const trailers = body.trailers();
    const isReusable = persists && requestSent && !hasMore && !body.endsWithStream();
    sink = undefined;
    outgoing = undefined;
    state = 'idle';
    if (!isReusable) destroy();
    else {
      deadline.at = clock.now + (self.pinned ? timers.idleClient : timers.idleParent);
      owner.released(self);
    }
    // The client may still be taking what the next read would overwrite.
    if (receiver?.end(trailers) === false) wire.renew();
  }

  function onEnd(): void {
    if (state === 'body' && body.endsWithStream()) return finish(false);
    if (state === 'idle') return destroy();
    fail(
      new ProxyError('reply-incomplete', 'The connection ended before the answer was complete.'),
    );
  }

  function onError(error: Error): void {
    if (state === 'idle') return destroy();
    const code = systemCode(error) || 'unknown';
    fail(
      new ProxyError(
        'reply-incomplete',
        `The connection broke (${code}) before the answer was complete.`,
        { cause: error },
      ),
    );
  }

  function abandon(): void {
    sink = undefined;
    outgoing = undefined;
    destroy();
  }

  function fail(error: ProxyError): void {
    const receiver = sink;
    const lost = self.ready && uses > 1 && !answered ? outgoing : undefined;
    abandon();
    if (lost) owner.lost(lost, error);
    else receiver?.fail(error);
  }

  function expire(): void {
    if (state === 'idle') return destroy();
    fail(new ProxyError('reply-timeout', 'No answer came in time.'));
  }

  function destroy(): void {
    if (state === 'closed' || state === 'detached') return;
    state = 'closed';
    clock.forget(deadline);
    socket.destroy();
    owner.closed(self);
  }

  const self: HopConnection = {
    socket,
    kind,
    out,
    ready: false,
    pinned: false,
    isOpen: () => state === 'idle' && !socket.destroyed && !socket.readableEnded,
    peerMinor: () => peerMinor,
    begin(nextMethod, nextSink, nextOutgoing) {
      state = 'head';
      method = nextMethod;
      sink = nextSink;
      outgoing = nextOutgoing;
      uses += 1;
      informational = 0;
      answered = false;
      requestSent = false;
      deadline.at = clock.now + timers.stall;
    },
    requestDone() {
      requestSent = true;
      if (state === 'head') deadline.at = clock.now + timers.reply;
    },
    run(next) {
      owner.run(self, next);
    },
    touch() {
      deadline.at = clock.now + timers.stall;
    },
    redirect(next) {
      sink = next;
    },
    resume() {
      socket.resume();
    },
    destroy,
  };

  wire.receive = receive;
  socket.on('end', onEnd);
  socket.on('error', onError);
  socket.on('close', () => {
    if (state === 'head' || state === 'body') onError(new Error('closed'));
    else destroy();
  });
  clock.watch(deadline);
  return self;
}

function ignore(): void {
  // Whoever takes the socket over listens for what matters to him.
}

function broken(message: string): ProxyError {
  return new ProxyError('reply-broken', message);
}

function unexpected(error: unknown): ProxyError {
  return new ProxyError('internal', 'Gatepass met an unexpected error.', { cause: error });
}

/** The chunk reader serves both directions; in a reply its complaint is about the next hop. */
function asReplyError(error: ProxyError): ProxyError {
  return error.code === 'bad-request' ? new ProxyError('reply-broken', error.message) : error;
}
