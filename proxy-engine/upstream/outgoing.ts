import type { ProxyError } from '../errors.ts';
import type { Field } from '../http1/fields.ts';
import type { Framing } from '../http1/framing.ts';
import type { ReplyHead } from '../http1/reply-head.ts';
import type { Endpoint } from '../protocol.ts';
import type { HopConnection } from './connection.ts';
import type { Wire } from './wire.ts';

/** Where a reply goes, piece by piece. Exactly one of end, fail and tunnel comes last. */
export interface ReplySink {
  informational(head: ReplyHead): void;
  head(head: ReplyHead, body: Framing, connection: HopConnection): void;
  /** Views of a read buffer: to be written or copied by the time `flush` returns true. */
  data(bytes: Buffer): void;
  /** @returns false when the system has not taken all of it: the views are still in use */
  end(trailers: readonly Field[]): boolean;
  fail(error: ProxyError): void;
  /** The connection is a tunnel from here on; `first` holds its first bytes, if any. */
  tunnel(head: ReplyHead, wire: Wire, first: Buffer): void;
  /** Comes after each read; false stops reading until the connection is resumed. */
  flush(): boolean;
}

/**
 * One request on its way out, able to be written more than once until its body has begun. When its
 * sink has had the last of a reply the object may serve the client's next request: nobody keeps it.
 */
export interface Outgoing {
  method: string;
  target: Endpoint;
  upgrade: string | undefined;
  hasBody: boolean;
  /** Whether body bytes have left for good: then it cannot be sent again. */
  isBodyStarted(): boolean;
  /** How often it was begun anew after the first time. */
  repeats: number;
  readonly sink: ReplySink;
  /** Ends when the client has gone. */
  signal(): AbortSignal;
  /** Writes the request; the body follows by itself, or is kept back until `releaseBody`. */
  send(connection: HopConnection, authorization: string | undefined, keepBody?: boolean): void;
  releaseBody(): void;
  /** Whether its head has left: one that is held until its length is known has not. */
  isSent(): boolean;
  /** Writes a request for the same target without a body, to sign the connection in. */
  probe(connection: HopConnection, authorization: string | undefined): void;
  /** The connection is gone: the body is kept back until the request is sent again. */
  hold(): void;
  /** The connection takes more of the body again. */
  drained(): void;
}

/** RFC 9110 §9.2.2: what may be sent again when it is unknown whether it arrived. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'CONNECT']);

/**
 * Whether a request that got no answer may be sent once more: none of its body has left, and
 * either it is idempotent or the server cannot have had all of it.
 */
export function mayRepeat(outgoing: Outgoing): boolean {
  return !outgoing.isBodyStarted() && (IDEMPOTENT.has(outgoing.method) || outgoing.hasBody);
}
