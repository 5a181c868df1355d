import type { PracticeParent } from '../practice/practice-parent.ts';
import type { RecordedRequest } from '../practice/stats.ts';
import { readRequests } from './read-messages.ts';
import type { RecordingOrigin } from './recording-origin.ts';

/**
 * What each connection to a practice parent carried, in order: `GET 1` for a request with a Type 1,
 * `POST 3` for one with a Type 3, `GET basic`, and `GET` for one without credentials.
 */
export function seenBy({ stats }: PracticeParent): string[][] {
  const connections = new Map<number, string[]>();
  for (const request of stats.requests) {
    const seen = connections.get(request.connection) ?? [];
    seen.push(`${request.method}${messageOf(request)}`);
    connections.set(request.connection, seen);
  }
  return [...connections.values()];
}

function messageOf({ headers }: RecordedRequest): string {
  const value = headers.find(([name]) => name.toLowerCase() === 'proxy-authorization')?.[1];
  if (value === undefined) return '';
  const [scheme = '', token = ''] = value.split(' ');
  if (scheme === 'Basic') return ' basic';
  return ` ${Buffer.from(token, 'base64').readUInt32LE(8)}`;
}

/** Wrong passwords that a domain would have counted for a user. */
export function countedFor({ stats }: PracticeParent, user = 'alice'): number {
  return stats.refused.get(user) ?? 0;
}

/** The requests an origin has received whole, as `METHOD length of body`. */
export function receivedBy(origin: RecordingOrigin): string[] {
  return origin.connections.flatMap(({ bytes }) =>
    readRequests(bytes()).messages.map(
      ({ start, body }) => `${start.split(' ')[0]} ${body.length}`,
    ),
  );
}

/** The bodies of the POST requests an origin has received. */
export function uploadsTo(origin: RecordingOrigin): Buffer[] {
  return origin.connections.flatMap(({ bytes }) =>
    readRequests(bytes())
      .messages.filter(({ start }) => start.startsWith('POST '))
      .map(({ body }) => body),
  );
}
