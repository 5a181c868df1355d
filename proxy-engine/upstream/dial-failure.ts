import { ProxyError, systemCode, type ProxyErrorCode } from '../errors.ts';
import type { Endpoint } from '../protocol.ts';

/** Which next hop is dialled: decides what its failures are called. */
export type HopKind = 'parent' | 'target';

type Reason = 'not-found' | 'refused' | 'timeout' | 'unreachable';

const CODES: Record<HopKind, Record<Reason, ProxyErrorCode>> = {
  parent: {
    'not-found': 'parent-not-found',
    refused: 'parent-refused',
    timeout: 'parent-timeout',
    unreachable: 'parent-unreachable',
  },
  target: {
    'not-found': 'target-not-found',
    refused: 'target-refused',
    timeout: 'target-timeout',
    unreachable: 'target-unreachable',
  },
};

const REASONS: Record<string, { reason: Reason; text: string }> = {
  ENOTFOUND: { reason: 'not-found', text: 'the name is not known' },
  EAI_AGAIN: { reason: 'not-found', text: 'the name could not be looked up' },
  ENODATA: { reason: 'not-found', text: 'the name has no address' },
  ECONNREFUSED: { reason: 'refused', text: 'it refuses the connection' },
  ETIMEDOUT: { reason: 'timeout', text: 'it did not answer' },
};

/** Names what kept a connection from being made; the system's error stays as its cause. */
export function dialFailure(kind: HopKind, endpoint: Endpoint, cause: unknown): ProxyError {
  if (cause instanceof ProxyError) return cause;
  const code = systemCode(cause);
  const known = REASONS[code];
  if (known) return failure(kind, known.reason, endpoint, known.text, cause);
  return failure(
    kind,
    'unreachable',
    endpoint,
    `it cannot be reached (${code || 'unknown'})`,
    cause,
  );
}

/** No connection came about within its time. */
export function timedOut(kind: HopKind, endpoint: Endpoint): ProxyError {
  return failure(kind, 'timeout', endpoint, 'it did not answer', undefined);
}

function failure(
  kind: HopKind,
  reason: Reason,
  { host, port }: Endpoint,
  text: string,
  cause: unknown,
): ProxyError {
  const who = kind === 'parent' ? 'The parent proxy' : 'The server';
  const message = `${who} ${host}:${port} could not be reached: ${text}.`;
  return new ProxyError(CODES[kind][reason], message, { cause });
}
