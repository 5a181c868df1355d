import type { Endpoint } from '../protocol.ts';
import { canonicalName, isLoopback, isUnspecified, parseAnySpelling } from './ip.ts';
import type { Ip } from './ip.ts';

/** Tells a target that would lead back into this engine. */
export interface OwnAddresses {
  /** For an address about to be dialled, after the resolver. */
  isOwn(ip: string, port: number): boolean;
  /** For a host as the client wrote it, before any look-up: addresses in any spelling, own names. */
  isOwnLiteral(host: string, port: number): boolean;
}

// Names that /etc/hosts of the usual systems gives to loopback; *.localhost by RFC 6761 §6.3.
const LOOPBACK_NAME =
  /^(?:(?:.*\.)?localhost|localhost\.localdomain|localhost[46](?:\.localdomain[46])?|ip6-(?:localhost|loopback)|broadcasthost)$/s;

/**
 * `listeners` with the ports they really have; `interfaces` holds this machine's addresses and its
 * host names. When in doubt a target is own: any loopback or unspecified address on a listener's
 * port counts, and a listener on a name is taken to listen everywhere.
 */
export function createOwnAddresses(
  listeners: readonly Endpoint[],
  interfaces: readonly string[],
): OwnAddresses {
  const ports = new Set(listeners.map(({ port }) => port));
  const machine = interfaces.flatMap((text) => parseAnySpelling(text)?.text ?? []);
  const names = new Set(interfaces.filter((text) => !parseAnySpelling(text)).map(canonicalName));
  const bound = new Set(
    listeners.flatMap(({ host, port }) => reachedBy(host, machine).map((ip) => `${ip} ${port}`)),
  );

  function isOwnIp(ip: Ip, port: number): boolean {
    return isLoopback(ip) || isUnspecified(ip) || bound.has(`${ip.text} ${port}`);
  }

  return {
    isOwn(text, port) {
      if (!ports.has(port)) return false;
      const ip = parseAnySpelling(text);
      return ip !== undefined && isOwnIp(ip, port);
    },
    isOwnLiteral(host, port) {
      if (!ports.has(port)) return false;
      const ip = parseAnySpelling(host);
      if (ip) return isOwnIp(ip, port);
      const name = canonicalName(host);
      return LOOPBACK_NAME.test(name) || names.has(name);
    },
  };
}

function reachedBy(host: string, machine: readonly string[]): readonly string[] {
  const ip = parseAnySpelling(host);
  return ip && !isUnspecified(ip) ? [ip.text] : machine;
}
