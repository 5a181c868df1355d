import { Socket, type OnReadOpts } from 'node:net';
import { createReusingReader, toWire, type Wire } from '../upstream/wire.ts';

/**
 * Makes an accepted connection read into one buffer again and again, as those we dial do. Node has
 * no public way to say so for a socket that a server made: the handle under it is given to a new
 * one, through the very option with which the server made the first (`handle`). Uploads through a
 * tunnel are half as fast again with it, and take half the memory. Where Node keeps no such
 * handle, the socket stays as it is.
 *
 * @param accepted a socket of a server with `pauseOnConnect`, nothing read from it yet
 */
export function readReusing(accepted: Socket): Wire {
  const reader = createReusingReader();
  const socket = remake(accepted, reader.onread);
  const wire = socket ? reader.toWire(socket) : toWire(accepted);
  wire.socket.resume();
  return wire;
}

function remake(accepted: Socket, onread: OnReadOpts): Socket | undefined {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const made: unknown = Reflect.construct(Socket, [{ handle, allowHalfOpen: true, onread }]);
  if (!(made instanceof Socket)) return undefined;
  Reflect.set(accepted, '_handle', null);
  return made;
}
