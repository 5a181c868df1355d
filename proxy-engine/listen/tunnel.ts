import type { Socket } from 'node:net';
import type { Timers } from '../limits.ts';
import { whenWritten } from '../upstream/batch.ts';
import type { Clock } from '../upstream/clock.ts';
import type { Wire } from '../upstream/wire.ts';

export interface TunnelDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Comes once, with the bytes that went each way. */
  ended(up: number, down: number): void;
}

/**
 * Joins two sockets until both directions have ended. Each direction ends by itself: what ssh or
 * rsync still has to say after the other side's FIN must arrive (RFC 9110 §9.3.6).
 */
export function joinTunnel(client: Wire, hop: Wire, { clock, timers, ended }: TunnelDeps): void {
  const deadline = { at: clock.now + timers.tunnelIdle, expire: destroyBoth };
  const counts = { up: 0, down: 0 };
  let quiet = timers.tunnelIdle;
  let open = 2;

  function destroyBoth(): void {
    client.socket.destroy();
    hop.socket.destroy();
  }

  function join(wire: Wire, to: Socket, way: 'up' | 'down'): void {
    const from = wire.socket;
    wire.receive = (bytes) => {
      counts[way] += bytes.length;
      deadline.at = clock.now + quiet;
      to.write(bytes);
      if (to.writableLength === 0) return true;
      whenWritten(to, () => from.resume());
      return false;
    };
    from.on('end', () => {
      quiet = timers.halfClosed;
      deadline.at = clock.now + quiet;
      to.end();
    });
    from.on('error', () => undefined); // 'close' follows.
    from.on('close', (hadError) => {
      open -= 1;
      if (open === 0) {
        clock.forget(deadline);
        ended(counts.up, counts.down);
      }
      // A reset says nothing about what came before it: that still goes out, then all is over.
      if (hadError || !from.readableEnded) to.end(() => to.destroy());
    });
    from.resume();
  }

  clock.watch(deadline);
  join(client, hop.socket, 'up');
  join(hop, client.socket, 'down');
}
