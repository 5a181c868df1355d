import type { Ways } from './listen/gate.ts';
import { NO_NAMES } from './http1/connection-names.ts';
import type { ReplyHead } from './http1/reply-head.ts';
import type { Timers } from './limits.ts';
import type { EngineConfig, ParentConfig } from './protocol.ts';
import { createParentOrder } from './route/parents.ts';
import { createRouter } from './route/router.ts';
import type { Clock } from './upstream/clock.ts';
import { connectParent } from './upstream/connect-parent.ts';
import { dial } from './upstream/dial.ts';
import { createDirect, type Direct } from './upstream/direct.ts';
import type { Guard } from './upstream/guard.ts';
import { createLink } from './upstream/link.ts';
import { createParents } from './upstream/parents.ts';

export interface WaysDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  isOwn(ip: string, port: number): boolean;
}

/** What a CONNECT without a parent is answered: nobody behind us says it. */
const CONNECTED: ReplyHead = {
  status: 200,
  reason: 'Connection established',
  minor: 1,
  fields: [],
  framing: { kind: 'none' },
  connectionNames: NO_NAMES,
  keepAlive: true,
};
const NOTHING = Buffer.alloc(0);

/** Lays the ways out of one configuration. Throws `bad-configuration` where it makes no sense. */
export function createWays(config: EngineConfig, guard: Guard | undefined, deps: WaysDeps): Ways {
  const { clock, timers } = deps;
  const route = createRouter(config);
  const direct = createWayOut(deps);
  const links = config.parents.map((parent) =>
    createLink(parent, config.auth, config.credential, guard, {
      clock,
      timers,
      connect: (to, signal) => connectParent(to, signal, deps),
    }),
  );
  const parents = createParents({
    links,
    order: createParentOrder(links.length, () => performance.now()),
    recheckTime: timers.parentRecheck,
    async isReachable(index, signal) {
      const parent = config.parents[index];
      return parent !== undefined && (await canConnect(parent, signal, deps));
    },
    fallback:
      config.route === 'parents-if-reachable' ? (outgoing) => direct.start(outgoing) : undefined,
  });
  return { route, parents, direct };
}

function createWayOut(deps: WaysDeps): Direct {
  return createDirect({
    clock: deps.clock,
    timers: deps.timers,
    connect: (target, signal) => dial(target, { ...deps, kind: 'target', signal, plain: true }),
    tunnel: (outgoing, wire) => outgoing.sink.tunnel(CONNECTED, wire, NOTHING),
  });
}

async function canConnect(
  parent: ParentConfig,
  signal: AbortSignal,
  deps: WaysDeps,
): Promise<boolean> {
  try {
    (await connectParent(parent, signal, deps)).socket.destroy();
    return true;
  } catch {
    return false;
  }
}
