import { ProxyError, type ProxyErrorCode } from '../errors.ts';
import { MAX_CONNECTION_NAMES } from '../limits.ts';
import { listMembers } from './fields.ts';

/** What a sender listed in its Connection fields, in lower case (RFC 9110 §7.6.1). */
export type ConnectionNames = ReadonlySet<string>;

export const NO_NAMES: ConnectionNames = new Set();

/** What nearly every sender lists; the name alone is the whole list. */
const USUAL = new Map(
  ['keep-alive', 'Keep-Alive', 'close', 'Close', 'Upgrade'].map((value) => [
    value,
    new Set([value.toLowerCase()]),
  ]),
);

/**
 * Adds the names of one more Connection field.
 *
 * @throws ProxyError with `code` where there are more names than anybody needs
 */
export function addNames(
  known: ConnectionNames,
  value: string,
  code: ProxyErrorCode,
): ConnectionNames {
  const usual = known === NO_NAMES ? USUAL.get(value) : undefined;
  if (usual) return usual;
  const members = listMembers(value);
  const names = new Set([...known, ...members]);
  if (names.size > MAX_CONNECTION_NAMES || members.length > MAX_CONNECTION_NAMES) {
    throw new ProxyError(code, 'The Connection header lists too many names.');
  }
  return names;
}
