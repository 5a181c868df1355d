import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Timers } from '../limits.ts';
import type { ParentConfig } from '../protocol.ts';
import { dial } from './dial.ts';
import { startTls } from './tls.ts';

export interface ConnectParentOptions {
  readonly timers: Timers;
  isOwn(ip: string, port: number): boolean;
}

/** Opens a connection to a parent, over TLS where it is configured. Throws what dial and TLS do. */
export async function connectParent(
  parent: ParentConfig,
  signal: AbortSignal,
  { timers, isOwn }: ConnectParentOptions,
): Promise<Socket> {
  const socket = await dial(parent, { timers, isOwn, kind: 'parent', signal });
  if (!parent.tls) return socket;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timers.connect)]);
  return startTls(socket, parent, limit);
}

/** The parent's certificate in DER, where the connection is TLS. */
export function certificateOf(socket: Socket): Buffer | undefined {
  return socket instanceof TLSSocket ? socket.getPeerCertificate().raw : undefined;
}
