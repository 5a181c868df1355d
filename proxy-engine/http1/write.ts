import { NO_NAMES } from './connection-names.ts';
import type { Field } from './fields.ts';
import type { Framing } from './framing.ts';
import { isHopByHop, isTrailer } from './hop-by-hop.ts';
import type { ReplyHead } from './reply-head.ts';
import type { RequestHead } from './request-head.ts';
import type { Target } from './target.ts';

/** All heads are written as latin1 text, byte for byte what was read. */

const PARENT_PERSISTENCE = 'Connection: keep-alive\r\nProxy-Connection: keep-alive\r\n';

/**
 * The end-to-end part of a request: Host, the client's own fields, Via. Written once; the start
 * line and the fields of the hop are put around it for each attempt.
 */
export function writeEndToEnd(head: RequestHead, target: Target, via: string): string {
  let text = `Host: ${target.authority}\r\n`;
  for (const { name, key, value } of head.fields) {
    if (key === 'host' || key === 'expect' || isHopByHop(key, head.connectionNames)) continue;
    // RFC 9110 §7.6.2: counted down for the two methods it is defined for.
    if (key === 'max-forwards' && (head.method === 'OPTIONS' || head.method === 'TRACE')) {
      text += `${name}: ${String(Math.max(0, Number.parseInt(value, 10) - 1) || 0)}\r\n`;
      continue;
    }
    text += `${name}: ${value}\r\n`;
  }
  return `${text}Via: 1.${head.minor} ${via}\r\n`;
}

/** The fields that frame a body, empty where there is none. */
export function writeFraming(framing: Framing, head: RequestHead): string {
  switch (framing.kind) {
    case 'length':
      return `Content-Length: ${framing.length}\r\n`;
    case 'chunked':
      return 'Transfer-Encoding: chunked\r\n';
    case 'until-close':
      return '';
    case 'none':
      // An explicit zero is kept: a POST without any length is a 411 to many servers.
      return head.fields.some(({ key }) => key === 'content-length') ? 'Content-Length: 0\r\n' : '';
  }
}

/** A request in absolute-form, as a proxy is asked (RFC 9112 §3.2.2). */
export function writeParentRequest(
  method: string,
  target: Target,
  endToEnd: string,
  hop: string,
): string {
  const path = target.path === '*' ? '' : target.path;
  return `${method} http://${target.authority}${path} HTTP/1.1\r\n${endToEnd}${hop}${PARENT_PERSISTENCE}\r\n`;
}

/** A request in origin-form, as a web server is asked (RFC 9112 §3.2.1). */
export function writeOriginRequest(
  method: string,
  target: Target,
  endToEnd: string,
  hop: string,
): string {
  return `${method} ${target.path} HTTP/1.1\r\n${endToEnd}${hop}\r\n`;
}

/** A CONNECT. Only Proxy-Connection asks for persistence: the tunnel has no other end. */
export function writeConnect(target: Target, endToEnd: string, hop: string): string {
  return `CONNECT ${target.authority} HTTP/1.1\r\n${endToEnd}${hop}Proxy-Connection: keep-alive\r\n\r\n`;
}

export interface ReplyHop {
  /** How the body is framed toward the client. */
  readonly framing: Framing;
  /** A Content-Length that describes a body which is not sent (HEAD, 304). */
  readonly describedLength: number | undefined;
  /** `Connection` and `Proxy-Connection` lines, if any. */
  readonly connection: string;
  readonly via: string;
}

/** A reply for the client. */
export function writeReply(head: ReplyHead, hop: ReplyHop): string {
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n`;
  for (const { name, key, value } of head.fields) {
    if (!isHopByHop(key, head.connectionNames)) text += `${name}: ${value}\r\n`;
  }
  text += `Via: 1.${head.minor} ${hop.via}\r\n`;
  if (hop.framing.kind === 'length') text += `Content-Length: ${hop.framing.length}\r\n`;
  else if (hop.framing.kind === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  else if (hop.describedLength !== undefined) text += `Content-Length: ${hop.describedLength}\r\n`;
  return `${text}${hop.connection}\r\n`;
}

/** An interim reply, RFC 9110 §15.2. */
export function writeInformational(head: ReplyHead): string {
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n`;
  for (const { name, key, value } of head.fields) {
    if (!isHopByHop(key, head.connectionNames)) text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

/** A switch of protocols: the fields that announce it are passed on by intention. */
export function writeSwitching(head: ReplyHead, upgrade: string): string {
  let text = `HTTP/1.1 101 ${head.reason}\r\n`;
  for (const { name, key, value } of head.fields) {
    if (!isHopByHop(key, NO_NAMES)) text += `${name}: ${value}\r\n`;
  }
  return `${text}Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`;
}

/** The size line of a chunk; sizes are written anew, so extensions end here. */
export function writeChunkSize(size: number): string {
  return `${size.toString(16)}\r\n`;
}

/** The end of a chunked body with those trailers that may follow one. */
export function writeLastChunk(trailers: readonly Field[]): string {
  let text = '0\r\n';
  for (const { name, key, value } of trailers) {
    if (isTrailer(key)) text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}
