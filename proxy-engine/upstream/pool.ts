import { MAX_IDLE_PER_PARENT } from '../limits.ts';
import type { HopConnection } from './connection.ts';
import type { Outgoing } from './outgoing.ts';

/** The idle connections of one link, and the requests that would take one. */
export interface Pool {
  /** An idle connection, the one used last first: the others may then grow old and close. */
  take(): HopConnection | undefined;
  /** Takes back a connection that is ready: for the first who waits, or to be kept. */
  put(connection: HopConnection): void;
  /** The connection is gone. */
  forget(connection: HopConnection): void;
  /** Puts a request in line for whatever becomes free. */
  wait(outgoing: Outgoing): Ticket;
  /** Closes what is idle, and whatever is put from now on. */
  retire(): void;
}

/** The place of one request in that line; a later request of the same client has another. */
export interface Ticket {
  /** Leaves the line. Returns true if the request has been served meanwhile. */
  leave(): boolean;
}

export function createPool(): Pool {
  const idle: HopConnection[] = [];
  const line: { readonly ticket: Ticket; readonly outgoing: Outgoing }[] = [];
  let retired = false;

  function serveNext(connection: HopConnection): boolean {
    const next = line.shift();
    if (next) connection.run(next.outgoing);
    return next !== undefined;
  }

  return {
    take() {
      for (let next = idle.pop(); next; next = idle.pop()) {
        if (next.isOpen()) return next;
      }
      return undefined;
    },
    put(connection) {
      if (retired || !connection.isOpen()) return connection.destroy();
      if (serveNext(connection)) return;
      if (idle.length >= MAX_IDLE_PER_PARENT) connection.destroy();
      else idle.push(connection);
    },
    forget(connection) {
      const at = idle.indexOf(connection);
      if (at !== -1) idle.splice(at, 1);
    },
    wait(outgoing) {
      const ticket: Ticket = {
        leave() {
          const at = line.findIndex((place) => place.ticket === ticket);
          if (at !== -1) line.splice(at, 1);
          return at === -1;
        },
      };
      line.push({ ticket, outgoing });
      return ticket;
    },
    retire() {
      retired = true;
      for (const connection of idle.splice(0)) connection.destroy();
    },
  };
}
