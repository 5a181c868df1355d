import type { ConnectionNames } from './connection-names.ts';

/** Fields that speak about one connection only and end here, RFC 9110 §7.6.1. */
const HOP_BY_HOP = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'content-length', // written anew from the framing
  'upgrade', // written anew where a switch is under way
  'http2-settings',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
]);

/** Fields that a sender may list in Connection, but that are not its to take away. */
const END_TO_END = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-type',
  'cookie',
  'date',
  'host',
  'set-cookie',
  'via',
]);

/** Whether a field ends here. */
export function isHopByHop(key: string, connectionNames: ConnectionNames): boolean {
  if (HOP_BY_HOP.has(key)) return true;
  return connectionNames.has(key) && !END_TO_END.has(key);
}

/** Fields that must not come after the body, RFC 9110 §6.5.1. */
const NOT_IN_TRAILERS = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'expires',
  'host',
  'location',
  'max-forwards',
  'pragma',
  'range',
  'retry-after',
  'set-cookie',
  'trailer',
  'vary',
  'www-authenticate',
]);

export function isTrailer(key: string): boolean {
  return !HOP_BY_HOP.has(key) && !NOT_IN_TRAILERS.has(key);
}
