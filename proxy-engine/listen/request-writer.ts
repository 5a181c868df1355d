import type { Framing } from '../http1/framing.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { Target } from '../http1/target.ts';
import {
  writeConnect,
  writeFraming,
  writeOriginRequest,
  writeParentRequest,
} from '../http1/write.ts';
import type { HopConnection } from '../upstream/connection.ts';

/** What stays the same each time a request is sent. */
export interface RequestText {
  readonly head: RequestHead;
  readonly target: Target;
  /** See `writeEndToEnd`. */
  readonly endToEnd: string;
}

/** Writes a request's head in the form that the next hop wants. */
export function writeRequest(
  { head, target, endToEnd }: RequestText,
  connection: HopConnection,
  authorization: string | undefined,
  framing: Framing,
): string {
  const proof = writeAuthorization(authorization);
  if (head.method === 'CONNECT') return writeConnect(target, endToEnd, proof);
  const expect =
    head.expectsContinue && connection.peerMinor() === 1 ? 'Expect: 100-continue\r\n' : '';
  const hop = writeFraming(framing, head) + writeUpgrade(head) + expect + proof;
  return connection.kind === 'parent'
    ? writeParentRequest(head.method, target, endToEnd, hop)
    : writeOriginRequest(head.method, target, endToEnd, hop);
}

/** Writes a GET of the same target, which signs a connection in before the request itself. */
export function writeProbe(
  { target, endToEnd }: RequestText,
  authorization: string | undefined,
): string {
  return writeParentRequest('GET', target, endToEnd, writeAuthorization(authorization));
}

function writeAuthorization(value: string | undefined): string {
  return value === undefined ? '' : `Proxy-Authorization: ${value}\r\n`;
}

function writeUpgrade({ upgrade }: RequestHead): string {
  return upgrade === undefined ? '' : `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
}
