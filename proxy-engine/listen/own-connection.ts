import type { Target } from '../http1/target.ts';
import type { HopConnection } from '../upstream/connection.ts';
import type { Ways } from './gate.ts';

/**
 * The next-hop connection that belongs to one client. What the client signs in to behind us, NTLM
 * to a web server for one, holds for that connection: nobody else may ever get it.
 */
export interface OwnConnection {
  keep(connection: HopConnection, target: Target, ways: Ways): void;
  /** The connection, if it is still good and leads where the client wants to go. */
  take(target: Target, ways: Ways): HopConnection | undefined;
  close(): void;
}

export function createOwnConnection(): OwnConnection {
  let own: { connection: HopConnection; target: Target; ways: Ways } | undefined;

  function close(): void {
    own?.connection.destroy();
    own = undefined;
  }

  return {
    keep(connection, target, ways) {
      if (own?.connection !== connection) close();
      own = { connection, target, ways };
    },
    take(target, ways) {
      if (!own) return undefined;
      const isSame = own.target.host === target.host && own.target.port === target.port;
      if (isSame && own.ways === ways && own.connection.isOpen()) return own.connection;
      close();
      return undefined;
    },
    close,
  };
}
