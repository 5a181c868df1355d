import { fieldOf, statusOf, type Message } from './read-messages.ts';

/** Requests as a client sends them to a proxy; `authority` is that of the origin. */
export function getRequest(authority: string, path = '/', ...fields: readonly string[]): string {
  return writeHead(`GET http://${authority}${path} HTTP/1.1`, authority, fields);
}

/** The request a client sends inside a tunnel. */
export function innerRequest(authority: string, path = '/inner'): string {
  return writeHead(`GET ${path} HTTP/1.1`, authority, []);
}

export function connectRequest(authority: string, ...fields: readonly string[]): string {
  return writeHead(`CONNECT ${authority} HTTP/1.1`, authority, fields);
}

export function postRequest(authority: string, body: Buffer, ...fields: readonly string[]): Buffer {
  const length = `Content-Length: ${body.length}`;
  const head = writeHead(`POST http://${authority}/post HTTP/1.1`, authority, [length, ...fields]);
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

const PIECE = 5000;

/** A POST with a chunked body, in pieces of a few kilobytes. */
export function chunkedRequest(
  authority: string,
  body: Buffer,
  ...fields: readonly string[]
): Buffer {
  const coding = 'Transfer-Encoding: chunked';
  const head = writeHead(`POST http://${authority}/post HTTP/1.1`, authority, [coding, ...fields]);
  const parts: Buffer[] = [Buffer.from(head, 'latin1')];
  for (let at = 0; at < body.length; at += PIECE) {
    const piece = body.subarray(at, at + PIECE);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  parts.push(Buffer.from('0\r\n\r\n'));
  return Buffer.concat(parts);
}

function writeHead(line: string, authority: string, fields: readonly string[]): string {
  return [line, `Host: ${authority}`, ...fields, '', ''].join('\r\n');
}

/** The status of a reply, and in one that Gatepass wrote itself the code of its error. */
export function verdictOf(reply: Message | undefined): string {
  const details = /details="([^"]+)"/.exec(fieldOf(reply, 'Proxy-Status') ?? '')?.[1];
  return details === undefined ? `${statusOf(reply)}` : `${statusOf(reply)} ${details}`;
}
