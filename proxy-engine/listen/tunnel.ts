import type { Socket } from 'node:net';
import { whenWritten } from '../upstream/batch.ts';
import type { Wire } from '../upstream/wire.ts';
import type { ClientRegistry, Gate } from './gate.ts';

/**
 * Joins two sockets until both directions have ended. Each direction ends by itself: what ssh or
 * rsync still has to say after the other side's FIN must arrive (RFC 9110 §9.3.6).
 */
export function joinTunnel(client: Wire, hop: Wire, gate: Gate, registry: ClientRegistry): void {
  const { clock, timers } = gate;
  const deadline = { at: clock.now + timers.tunnelIdle, expire: destroyBoth, place: -1 };
  let quiet = timers.tunnelIdle;
  let open = 2;

  function destroyBoth(): void {
    client.socket.destroy();
    hop.socket.destroy();
  }

  function join(wire: Wire, to: Socket): void {
    const from = wire.socket;
    wire.receive = (bytes) => {
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
    from.on('error', ignore);
    from.on('close', (hadError) => {
      open -= 1;
      if (open === 0) {
        clock.forget(deadline);
        registry.remove(self);
      }
      // A reset says nothing about what came before it: that still goes out, then all is over.
      if (hadError || !from.readableEnded) to.end(() => to.destroy());
    });
    from.resume();
  }

  const self = { place: -1, drain: ignore, destroy: destroyBoth };
  registry.add(self);
  clock.watch(deadline);
  join(client, hop.socket);
  join(hop, client.socket);
}

/** A tunnel is never idle in a way that can be seen, and of an error 'close' tells all. */
function ignore(): void {}
