import type { OnReadOpts, Socket } from 'node:net';

/** Takes what a socket has read. Returns false to have reading stop until `resume`. */
export type Receiver = (bytes: Buffer) => boolean;

/**
 * A socket and the one place its bytes go to.
 *
 * The bytes are a view of a buffer that the next read fills again: a receiver is done with them
 * when it returns, or it returns false and is done with them when it resumes the socket.
 */
export interface Wire {
  readonly socket: Socket;
  receive: Receiver;
  /** Leaves the present buffer to whoever still uses it; the next read gets another. */
  renew(): void;
}

/** Takes the head of most requests. */
const SMALL = 2 * 1024;
/** Takes a challenge with its page: each piece of a reply is a read, and a copy. */
export const REPLY_SIZE = 4 * 1024;
const MIDDLE = 16 * 1024;
const LARGE = 128 * 1024;

const refuse: Receiver = () => false;
const ignore = (): void => undefined;

export interface ReusingReader {
  readonly onread: OnReadOpts;
  toWire(socket: Socket): Wire;
}

/**
 * Reads into one buffer per connection in place of a new one per read (`onread`): that is less
 * work and garbage by a third. The buffer starts small, and is exchanged for a larger one once a
 * read fills it.
 */
export function createReusingReader(size = SMALL): ReusingReader {
  let buffer = Buffer.allocUnsafeSlow(size);
  /** The one the system reads into; another takes its place only after the next read. */
  let lent = buffer;
  let wire: Wire | undefined;

  return {
    onread: {
      buffer() {
        lent = buffer;
        return buffer;
      },
      callback(count) {
        const full = lent;
        if (count === full.length && count < LARGE) {
          buffer = Buffer.allocUnsafeSlow(count < MIDDLE ? MIDDLE : LARGE);
        }
        return wire?.receive(count === full.length ? full : full.subarray(0, count)) ?? false;
      },
    },
    toWire(socket) {
      wire = {
        socket,
        receive: refuse,
        renew() {
          buffer = Buffer.allocUnsafeSlow(buffer.length);
        },
      };
      return wire;
    },
  };
}

/** For sockets that somebody else made: each read has a buffer of its own. */
export function toWire(socket: Socket): Wire {
  const wire: Wire = { socket, receive: refuse, renew: ignore };
  socket.on('data', (bytes: Buffer) => {
    if (!wire.receive(bytes)) socket.pause();
  });
  return wire;
}
