import { ProxyError } from '../errors.ts';
import { readAbsoluteTarget, readConnectTarget, type Target } from '../http1/target.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { Gate } from './gate.ts';

/** What becomes of a request before anything is dialled. */
export type Verdict =
  /** It goes on to its target. */
  | { readonly kind: 'forward'; readonly target: Target }
  /** It was meant for the proxy itself and is answered here. */
  | { readonly kind: 'answer-here' };

/** @throws ProxyError where the request is refused */
export function judge(head: RequestHead, gate: Gate): Verdict {
  if (head.method === 'CONNECT') return judgeConnect(head, gate);
  if (head.method === 'TRACE') {
    throw new ProxyError('method-not-allowed', 'TRACE would show the headers of this request.');
  }
  if (head.target === '*' && head.method === 'OPTIONS') return { kind: 'answer-here' };
  const target = readAbsoluteTarget(head.target, head.method);
  requireElsewhere(head, target, gate);
  if (head.method === 'OPTIONS' && hasNoForwardsLeft(head)) return { kind: 'answer-here' };
  return { kind: 'forward', target };
}

function judgeConnect(head: RequestHead, gate: Gate): Verdict {
  // RFC 9110 §9.3.6: a CONNECT has no body, and what follows it is the tunnel's.
  if (head.fields.some(({ key }) => key === 'content-length' || key === 'transfer-encoding')) {
    throw new ProxyError('bad-request', 'A CONNECT request has no body.');
  }
  const target = readConnectTarget(head.target);
  requireElsewhere(head, target, gate);
  return { kind: 'forward', target };
}

/** Refuses what would come back here: by its address, or by our own mark in Via. */
function requireElsewhere(head: RequestHead, target: Target, gate: Gate): void {
  if (gate.isOwnLiteral(target.host, target.port)) {
    throw new ProxyError('own-address', 'This address is Gatepass itself.');
  }
  const isLoop = head.fields.some(
    ({ key, value }) => key === 'via' && value.includes(gate.pseudonym),
  );
  if (isLoop)
    throw new ProxyError('loop', 'This request has been here before: proxies form a loop.');
}

function hasNoForwardsLeft(head: RequestHead): boolean {
  return head.fields.some(({ key, value }) => key === 'max-forwards' && /^0+$/.test(value));
}
