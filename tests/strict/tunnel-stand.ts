import type { Socket } from 'node:net';
import { listenTcp, type TcpServer } from '#engine/testing/tcp-server.ts';
import type { Way } from './case.ts';
import { startEngine, type RunningEngine } from './start-engine.ts';

/** An engine for each way out, and a target that a tunnel leads to. */
export interface TunnelStand {
  readonly target: TcpServer;
  engine(way: Way): RunningEngine;
  /** Sets what the target does with a connection; without an argument it echoes. */
  serveWith(serve?: (socket: Socket) => void): void;
  /** Sets what the parent answers to a CONNECT, after which it is the target. */
  grantWith(grant?: string | ((socket: Socket) => void)): void;
  /** The heads of the CONNECT requests the parent has received. */
  readonly heads: readonly string[];
  close(): Promise<void>;
}

const GRANT = 'HTTP/1.1 200 Connection established\r\n\r\n';

/** Sends back what comes, and ends when that ends. */
export function echo(socket: Socket): void {
  socket.pipe(socket);
}

/** The parent ends its tunnels itself: it is the target behind it. */
export async function createTunnelStand(): Promise<TunnelStand> {
  let serve = echo;
  let grant: string | ((socket: Socket) => void) = GRANT;
  const heads: string[] = [];
  const target = await listenTcp((socket) => serve(socket));
  const parent = await listenTcp((socket) => {
    let head = Buffer.alloc(0);
    socket.on('data', function read(bytes: Buffer) {
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf('\r\n\r\n') + 4;
      if (end < 4) return;
      heads.push(head.toString('latin1', 0, end));
      if (typeof grant === 'string' && !/^HTTP\/1\.. 2/.test(grant)) {
        head = head.subarray(end);
        socket.write(Buffer.from(grant, 'latin1'));
        return;
      }
      socket.off('data', read);
      socket.pause();
      if (head.length > end) socket.unshift(head.subarray(end));
      if (typeof grant === 'function') return grant(socket);
      socket.write(Buffer.from(grant, 'latin1'));
      serve(socket);
      socket.resume();
    });
  });
  const direct = await startEngine({ route: 'direct' });
  const viaParent = await startEngine({
    route: 'parents',
    parents: [{ host: '127.0.0.1', port: parent.port }],
  });
  const engines = { direct, parent: viaParent };
  return {
    target,
    heads,
    engine: (way) => engines[way],
    serveWith(next = echo) {
      serve = next;
    },
    grantWith(next = GRANT) {
      grant = next;
    },
    async close() {
      await Promise.all([direct.stop(), viaParent.stop()]);
      await Promise.all([target.close(), parent.close()]);
    },
  };
}
