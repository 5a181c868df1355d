import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Timers } from '../limits.ts';
import type { ParentConfig } from '../protocol.ts';
import { dial } from './dial.ts';
import { startTls } from './tls.ts';
import { toWire, type Wire } from './wire.ts';

export interface ConnectParentOptions {
  readonly timers: Timers;
  isOwn(ip: string, port: number): boolean;
}

/** Opens a connection to a parent, over TLS where it is configured. Throws what dial and TLS do. */
export async function connectParent(
  parent: ParentConfig,
  signal: AbortSignal,
  { timers, isOwn }: ConnectParentOptions,
): Promise<Wire> {
  const plain = parent.tls === undefined;
  const wire = await dial(parent, { timers, isOwn, kind: 'parent', signal, plain });
  if (plain) return wire;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timers.connect)]);
  return toWire(await startTls(wire.socket, parent, limit));
}

/** The parent's certificate in DER, where the connection is TLS. */
export function certificateOf(socket: Socket): Buffer | undefined {
  return socket instanceof TLSSocket ? socket.getPeerCertificate().raw : undefined;
}
