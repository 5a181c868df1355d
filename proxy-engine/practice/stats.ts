import type { Dialect } from '../protocol.ts';

/** One request as it came over the wire. */
export interface RecordedRequest {
  /** Counts from 1. */
  readonly connection: number;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Bytes of content, without the framing of chunks; complete once the request is answered. */
  bodyLength: number;
  /** `DOMAIN\user` of whoever the connection is signed in as, or nothing. */
  identity: string;
  /** The status it was answered with; 0 while it is not. */
  status: number;
}

/** One Type 3 message that could be read. */
export interface RecordedSignIn {
  readonly connection: number;
  readonly identity: string;
  readonly workstation: string;
  readonly dialect: Dialect | 'basic';
  readonly accepted: boolean;
  /** Whether it carried a message integrity code. */
  readonly mic: boolean;
  /** In hex; empty if it carried none. */
  readonly channelBindings: string;
  readonly spn: string;
}

/** What happened so far, live. */
export interface PracticeStats {
  connections: number;
  /** Connections that are open now. */
  open: number;
  type1: number;
  type3: number;
  accepted: number;
  /** Every refusal, whatever its reason. */
  refusals: number;
  /** Wrong passwords (and refused dialects) by user in lower case, as a domain controller counts. */
  readonly refused: Map<string, number>;
  readonly requests: RecordedRequest[];
  readonly signIns: RecordedSignIn[];
}

const MAX_RECORDED = 10_000;

/** Nothing happened yet. */
export function createStats(): PracticeStats {
  return {
    connections: 0,
    open: 0,
    type1: 0,
    type3: 0,
    accepted: 0,
    refusals: 0,
    refused: new Map(),
    requests: [],
    signIns: [],
  };
}

/** Adds to a list, and drops its oldest entry when it has grown long. */
export function record<T>(entries: T[], entry: T): void {
  entries.push(entry);
  if (entries.length > MAX_RECORDED) entries.shift();
}
