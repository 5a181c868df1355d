import type { ProxyError } from '../errors.ts';
import { CHUNKED, NO_BODY, UNTIL_CLOSE, type Framing } from '../http1/framing.ts';
import type { ReplyHead } from '../http1/reply-head.ts';
import type { RequestHead } from '../http1/request-head.ts';
import {
  writeChunkSize,
  writeInformational,
  writeLastChunk,
  writeReply,
  writeSwitching,
} from '../http1/write.ts';
import type { Batch } from '../upstream/batch.ts';
import type { HopConnection } from '../upstream/connection.ts';
import type { ReplySink } from '../upstream/outgoing.ts';
import type { Wire } from '../upstream/wire.ts';
import type { Gate } from './gate.ts';
import { writePersistence } from './reply.ts';

export interface ReplyClient {
  readonly out: Batch;
}

export interface ReplyEvents {
  /** A client that is answered before its upload ended can only be told by the close. */
  isBodyDone(): boolean;
  started(connection: HopConnection, head: ReplyHead): void;
  finished(keepAlive: boolean): void;
  failed(error: ProxyError, begun: boolean): void;
  tunnel(hop: Wire, first: Buffer): void;
}

/** Writes the replies of one client connection, one after another. */
export interface ReplyWriter {
  begin(request: RequestHead): void;
  readonly sink: ReplySink;
  isBegun(): boolean;
}

const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';

/** Writes each reply in the framing that the version of its client can read. */
export function createReplyWriter(
  { out }: ReplyClient,
  gate: Gate,
  events: ReplyEvents,
): ReplyWriter {
  let method = '';
  let minor: 0 | 1 = 1;
  let upgrade = '';
  let wantsKeepAlive = false;
  let framing: Framing = NO_BODY;
  let keepAlive = false;
  let begun = false;

  const sink: ReplySink = {
    informational(head) {
      if (minor === 1) out.text(writeInformational(head));
    },
    head(head, body, connection) {
      begun = true;
      framing = toClientFraming(body, minor);
      keepAlive =
        wantsKeepAlive && !gate.stopping && framing.kind !== 'until-close' && events.isBodyDone();
      events.started(connection, head);
      out.text(
        writeReply(head, {
          framing,
          describedLength: describedLength(head, method, body),
          connection: writePersistence(minor, keepAlive),
          via: gate.pseudonym,
        }),
      );
    },
    data(bytes) {
      if (framing.kind !== 'chunked') return out.bytes(bytes);
      out.text(writeChunkSize(bytes.length));
      out.bytes(bytes);
      out.text('\r\n');
    },
    end(trailers) {
      if (framing.kind === 'chunked') out.text(writeLastChunk(trailers));
      const isGone = out.flush();
      events.finished(keepAlive);
      return isGone;
    },
    fail(error) {
      out.flush();
      events.failed(error, begun);
    },
    tunnel(head, hop, first) {
      begun = true;
      // No Content-Length and no Connection: some clients take either as the end of the tunnel.
      out.text(method === 'CONNECT' ? ESTABLISHED : writeSwitching(head, upgrade));
      events.tunnel(hop, first);
    },
    flush: () => out.flush(),
  };

  return {
    begin(request) {
      method = request.method;
      minor = request.minor;
      upgrade = request.upgrade ?? '';
      wantsKeepAlive = request.keepAlive;
      begun = false;
    },
    sink,
    isBegun: () => begun,
  };
}

/** HTTP/1.0 knows no chunks; HTTP/1.1 gets them where only the close would end the body. */
function toClientFraming(body: Framing, minor: 0 | 1): Framing {
  switch (body.kind) {
    case 'none':
    case 'length':
      return body;
    case 'chunked':
    case 'until-close':
      return minor === 1 ? CHUNKED : UNTIL_CLOSE;
  }
}

/** What a HEAD or a 304 says about a body it does not have. */
function describedLength(head: ReplyHead, method: string, body: Framing): number | undefined {
  if (body.kind !== 'none' || head.framing.kind !== 'length') return undefined;
  return method === 'HEAD' || head.status === 304 ? head.framing.length : undefined;
}
