import { subscribe } from 'node:diagnostics_channel';
import { Socket } from 'node:net';

/** Counts the connections that clients have open with this process, from now on. */
export function countConnections(): () => number {
  let open = 0;
  subscribe('net.server.socket', (message) => {
    if (typeof message !== 'object' || message === null || !('socket' in message)) return;
    const { socket } = message;
    if (!(socket instanceof Socket)) return;
    open += 1;
    socket.once('close', () => (open -= 1));
  });
  return () => open;
}
