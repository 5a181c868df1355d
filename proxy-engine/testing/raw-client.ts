import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

/** What a connection gave back, and how it ended: `open` if `until` was met before any end. */
export interface RawAnswer {
  readonly bytes: Buffer;
  readonly ended: 'fin' | 'reset' | 'open' | 'hung';
  /** Milliseconds from the last byte sent to the end. */
  readonly took: number;
}

export interface RawOptions {
  /** Ends the connection once what came satisfies this; without it, only the other side does. */
  readonly until?: (bytes: Buffer) => boolean;
  /** What to do after the last byte: wait (default) or half-close. */
  readonly after?: 'wait' | 'fin';
  /** How to leave once `until` is met: by the usual close (default) or by a reset. */
  readonly leave?: 'close' | 'reset';
  /** Milliseconds until the answer counts as `hung`. */
  readonly deadline?: number;
}

/**
 * Sends bytes over one new connection and reads until it ends. Each piece leaves apart: the loop
 * turns between them, so that a reader in the same process sees them one by one.
 */
export async function exchangeRaw(
  port: number,
  pieces: readonly Buffer[],
  { until = () => false, after = 'wait', leave = 'close', deadline = 5000 }: RawOptions = {},
): Promise<RawAnswer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const received: Buffer[] = [];
  let sentAt = performance.now();
  const answer = new Promise<RawAnswer>((resolve) => {
    const timer = setTimeout(() => finish('hung'), deadline);
    function finish(ended: RawAnswer['ended']): void {
      clearTimeout(timer);
      resolve({ bytes: Buffer.concat(received), ended, took: performance.now() - sentAt });
      if (leave === 'reset') socket.resetAndDestroy();
      else socket.destroy();
    }
    socket.on('data', (bytes) => {
      received.push(bytes);
      if (until(Buffer.concat(received))) finish('open');
    });
    socket.on('end', () => finish('fin'));
    socket.on('error', () => finish('reset'));
    socket.on('close', () => finish('reset'));
  });
  for (const piece of pieces) {
    if (socket.destroyed) break;
    await writeApart(socket, piece);
  }
  sentAt = performance.now();
  if (after === 'fin') socket.end();
  return answer;
}

async function writeApart(socket: Socket, piece: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.write(piece, () => resolve());
    socket.once('close', () => resolve());
  });
  for (let turn = 0; turn < 3; turn += 1) await setImmediate();
}

/** Cuts bytes in two after each of the given lengths. */
export function splitAt(bytes: Buffer, ...positions: readonly number[]): Buffer[] {
  const cuts = [0, ...positions.filter((at) => at > 0 && at < bytes.length), bytes.length];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index] ?? 0, end));
}
