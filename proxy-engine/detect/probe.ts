import { ProxyError } from '../errors.ts';
import { readAbsoluteTarget, readConnectTarget, type Target } from '../http1/target.ts';
import { writeConnect, writeParentRequest } from '../http1/write.ts';
import type { Timers } from '../limits.ts';
import type { ParentConfig } from '../protocol.ts';
import type { Clock } from '../upstream/clock.ts';
import { certificateOf, connectParent } from '../upstream/connect-parent.ts';
import { createHopConnection, type ConnectionOwner } from '../upstream/connection.ts';
import { askWith, type Asked } from '../upstream/leg.ts';
import type { Outgoing } from '../upstream/outgoing.ts';

/** Who is asked, and for what. */
export interface ProbeOptions {
  readonly parent: ParentConfig;
  readonly goal: Goal;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly signal: AbortSignal;
}

/** The request that is sent along: its answer matters only as far as it is not a 407. */
export interface Goal {
  readonly method: 'GET' | 'CONNECT';
  readonly target: Target;
}

export type Heard = Asked | { readonly kind: 'passed'; readonly status: number };

/** One fresh connection to a parent. */
export interface Probe {
  /** The parent's own, in DER, where it speaks TLS. */
  readonly certificate: Buffer | undefined;
  /** Sends the request. Throws `reply-incomplete` or `reply-timeout` where no answer came. */
  ask(authorization: string | undefined, isProof: boolean): Promise<Heard>;
  close(): void;
}

/** Reads `http://host/path`, or `https://host`, which is asked for with CONNECT. */
export function readGoal(url: string): Goal {
  const secure = /^https:\/\/([^/?#]*)/i.exec(url)?.[1];
  if (secure === undefined) return { method: 'GET', target: readAbsoluteTarget(url, 'GET') };
  const authority = /:\d+$/.test(secure) ? secure : `${secure}:443`;
  return { method: 'CONNECT', target: readConnectTarget(authority) };
}

export async function openProbe(options: ProbeOptions): Promise<Probe> {
  const { parent, goal, clock, timers, signal } = options;
  const wire = await connectParent(parent, signal, { timers, isOwn: () => false });
  const connection = createHopConnection('parent', wire, IDLE_OWNER, clock, timers);
  let status = 0;
  const outgoing = createOutgoing(goal, signal, (heard) => {
    status = heard;
  });

  return {
    certificate: certificateOf(wire.socket),
    async ask(authorization, isProof) {
      const reply = await askWith(connection, outgoing, {
        isProbe: false,
        isProof,
        authorization,
        drainTime: timers.drain407,
        onAnswer: () => undefined,
      });
      return reply.kind === 'asked' ? reply : { kind: 'passed', status };
    },
    close: () => connection.destroy(),
  };
}

/** Runs one thing on a connection of its own, and closes it whatever happens. */
export async function onFreshConnection<T>(
  options: ProbeOptions,
  use: (probe: Probe) => Promise<T>,
): Promise<T> {
  const probe = await openProbe(options);
  try {
    return await use(probe);
  } finally {
    probe.close();
  }
}

function createOutgoing(
  { method, target }: Goal,
  signal: AbortSignal,
  onStatus: (status: number) => void,
): Outgoing {
  const send: Outgoing['send'] = (connection, authorization) => {
    const endToEnd = `Host: ${target.authority}\r\nUser-Agent: Gatepass\r\nAccept: */*\r\n`;
    const hop = authorization === undefined ? '' : `Proxy-Authorization: ${authorization}\r\n`;
    const write = method === 'CONNECT' ? writeConnect : writeParentRequest.bind(undefined, method);
    connection.out.text(write(target, endToEnd, hop));
    connection.out.flush();
    connection.requestDone();
  };
  return {
    method,
    target,
    upgrade: undefined,
    hasBody: false,
    isBodyStarted: () => false,
    repeats: 0,
    signal: () => signal,
    send,
    probe: send,
    hold: () => undefined,
    drained: () => undefined,
    releaseBody: () => undefined,
    isSent: () => true,
    sink: {
      informational: () => undefined,
      head: ({ status }) => onStatus(status),
      data: () => undefined,
      end: () => true,
      fail: () => undefined,
      tunnel({ status }, { socket }) {
        onStatus(status);
        socket.destroy();
      },
      flush: () => true,
    },
  };
}

/** A probe's connection serves nobody else, before or after. */
const IDLE_OWNER: ConnectionOwner = {
  released: () => undefined,
  closed: () => undefined,
  lost: (outgoing, error) => outgoing.sink.fail(error),
  challenged: () => false,
  run() {
    throw new ProxyError('internal', 'A probe takes no requests of others.');
  },
};
