import type { Message } from '#engine/testing/read-messages.ts';

/** Which way the engine takes: straight to the origin, or through a parent that asks nothing. */
export type Way = 'direct' | 'parent';

/**
 * What has to happen.
 * A status (or one of several): that reply, `Connection: close`, the end, and not a byte onward.
 * `forwarded`: one well-formed request onward for each reply, each reply 200 at the client.
 * `answered`: a status of the engine's own below 500, nothing onward; the connection may stay.
 * `cut`: what went onward, if anything, is visibly incomplete; the client gets a 4xx or the end.
 * `closed`: the end, after at most one 4xx, and nothing onward.
 */
export type Outcome = number | readonly number[] | 'forwarded' | 'answered' | 'cut' | 'closed';

/** One row of the table of inputs. */
export interface Case {
  /** The row's id and its subject. */
  readonly name: string;
  /**
   * The bytes as latin1; `%A%` stands for the origin's `127.0.0.1:port`, `%P%` for the port of the
   * engine itself.
   */
  readonly send: string;
  readonly outcome: Outcome;
  readonly ways?: readonly Way[];
  /** What the client does after its last byte. */
  readonly after?: 'fin';
  /** Methods of the requests that are answered, by default one GET. */
  readonly methods?: readonly string[];
  /** More to be true of what went onward. */
  readonly onward?: (requests: readonly Message[], facts: Facts) => void;
}

/** What a check of the onward requests may need. */
export interface Facts {
  readonly way: Way;
  readonly authority: string;
}

export const A = '%A%';
/** The Host line. */
export const H = `Host: ${A}\r\n`;
/** The line of a plain GET. */
export const GET = `GET http://${A}/ HTTP/1.1\r\n`;
export const POST = `POST http://${A}/ HTTP/1.1\r\n`;
/** The end of a head. */
export const END = '\r\n';

/** A row that has to be refused. */
export function refused(
  name: string,
  send: string,
  status: number | readonly number[] = 400,
  more: Partial<Case> = {},
): Case {
  return { name, send, outcome: status, ...more };
}

/** A row that has to be sent on. */
export function forwarded(
  name: string,
  send: string,
  onward?: NonNullable<Case['onward']>,
  more: Partial<Case> = {},
): Case {
  return { name, send, outcome: 'forwarded', ...(onward && { onward }), ...more };
}

/** A chunked body that has to end in an error: no message onward may ever look complete. */
export function cut(name: string, send: string, more: Partial<Case> = {}): Case {
  return { name, send, outcome: 'cut', ...more };
}
