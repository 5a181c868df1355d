import { ProxyError } from '../errors.ts';
import { createBodyReader } from '../http1/body.ts';
import type { Framing } from '../http1/framing.ts';
import { writeChunkSize, writeLastChunk } from '../http1/write.ts';
import { MAX_BUFFERED_UPLOAD } from '../limits.ts';
import type { HopConnection } from '../upstream/connection.ts';

/** The body of one request: read from the client strictly, written to the next hop anew. */
export interface RequestBody {
  isDone(): boolean;
  /** Whether any of it has been handed on. */
  isStarted(): boolean;
  /** From here on the body goes to this connection, framed as its request's head said. */
  sendTo(connection: HopConnection): void;
  /**
   * Keeps the body back until it is whole and its length known, for a next hop that cannot read
   * chunks (RFC 9112 §6.1). `write` then gets it.
   */
  holdFor(connection: HopConnection, write: (body: Buffer) => void): void;
  /** Keeps the body back: there is no connection to send it to. */
  detach(): void;
  /** Whether bytes of the client can be taken now. */
  flows(): boolean;
  /**
   * Takes bytes of the client.
   *
   * @returns how many of them belonged to the body
   * @throws ProxyError where the body breaks its framing or is too large to be held
   */
  take(bytes: Buffer): number;
}

/** Shared by all requests without a body, which are most. */
export const NONE: RequestBody = {
  isDone: () => true,
  isStarted: () => false,
  flows: () => false,
  sendTo: (connection) => connection.requestDone(),
  holdFor: (connection) => connection.requestDone(),
  detach: () => undefined,
  take: () => 0,
};

export function createRequestBody(framing: Framing): RequestBody {
  if (framing.kind === 'none') return NONE;
  const reader = createBodyReader();
  const isChunked = framing.kind === 'chunked';
  let target: HopConnection | undefined;
  let write: ((body: Buffer) => void) | undefined;
  const held: Buffer[] = [];
  let heldSize = 0;
  let started = false;
  reader.begin(framing);

  function emit(data: Buffer): void {
    if (write) return hold(data);
    if (isChunked) target?.out.text(writeChunkSize(data.length));
    target?.out.bytes(data);
    if (isChunked) target?.out.text('\r\n');
  }

  function hold(data: Buffer): void {
    heldSize += data.length;
    if (heldSize > MAX_BUFFERED_UPLOAD) {
      throw new ProxyError(
        'length-required',
        'The parent proxy speaks HTTP/1.0 only, so an upload this large must say its length.',
      );
    }
    held.push(Buffer.from(data));
  }

  function finish(): void {
    if (write) {
      started = true;
      write(Buffer.concat(held));
    } else if (isChunked) target?.out.text(writeLastChunk(reader.trailers()));
    target?.requestDone();
  }

  return {
    isDone: () => reader.isDone(),
    isStarted: () => started,
    sendTo(connection) {
      target = connection;
      write = undefined;
    },
    holdFor(connection, writeWhole) {
      target = connection;
      write = writeWhole;
      if (reader.isDone()) finish();
    },
    detach() {
      target = undefined;
    },
    flows: () => target !== undefined && !reader.isDone(),
    take(bytes) {
      const count = reader.push(bytes, emit);
      if (count > 0 && !write) started = true;
      if (reader.isDone()) finish();
      else target?.touch();
      return count;
    },
  };
}
