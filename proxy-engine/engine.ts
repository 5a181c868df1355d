import { randomBytes } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import { ProxyError } from './errors.ts';
import { TIMERS, type Timers } from './limits.ts';
import type { Gate, Ways } from './listen/gate.ts';
import { createListeners } from './listen/listeners.ts';
import { createLog } from './log.ts';
import type { Endpoint, EngineConfig, EngineEvent, LogLevel } from './protocol.ts';
import { createOwnAddresses } from './route/own-address.ts';
import { createClock } from './upstream/clock.ts';
import { createGuard, type Guard } from './upstream/guard.ts';
import { createWays } from './ways.ts';

export interface EngineOptions {
  /** Takes what the engine has to say; must not throw. */
  readonly emit: (event: EngineEvent) => void;
  readonly logLevel?: LogLevel;
  /** Shorter timers, for tests. */
  readonly timers?: Partial<Timers>;
}

/** The proxy: listeners that stay, and ways out that a new configuration replaces. */
export interface Engine {
  /** Where clients are taken, with the ports really bound. */
  readonly addresses: readonly Endpoint[];
  /** Client connections that are open now, tunnels included. */
  readonly connections: number;
  /**
   * Takes a configuration. The first one opens the listeners; later ones open and close only those
   * that differ. Exchanges under way end as they began. When it throws, nothing has changed.
   *
   * @throws ProxyError 'bad-configuration'
   */
  apply(config: EngineConfig): Promise<void>;
  /**
   * Lets a refused credential be tried once more: the person asked for it. A configuration can
   * only set a latch, so one that was made before the refusal cannot undo it.
   */
  tryAgain(credential: string): void;
  /** Takes no more clients, lets exchanges end for `drainTime` milliseconds, then ends them. */
  stop(drainTime?: number): Promise<void>;
}

/** How often deadlines are looked at, in milliseconds. */
const TICK = 250;

export function createEngine({ emit, logLevel = 'info', timers: shorter }: EngineOptions): Engine {
  const timers: Timers = { ...TIMERS, ...shorter };
  const clock = createClock(Math.min(TICK, timers.head / 4));
  const log = createLog(logLevel, (entry) => emit({ type: 'log', entry }));
  const guards = new Map<string, Guard>();
  let own = createOwnAddresses([], []);
  let ways: Ways | undefined;
  let stopping = false;
  /** One configuration after another: two at once could open the same port twice. */
  let applying: Promise<void> = Promise.resolve();

  const gate: Gate = {
    get ways() {
      if (!ways) throw new ProxyError('stopped', 'Gatepass is still starting.');
      return ways;
    },
    clock,
    timers,
    log,
    pseudonym: `gatepass-${randomBytes(6).toString('hex')}`,
    get stopping() {
      return stopping;
    },
    isOwnLiteral: (host, port) => own.isOwnLiteral(host, port),
  };
  const listeners = createListeners(gate);

  /** A guard outlives configurations: what it knows of a credential must not be forgotten. */
  function guardFor(config: EngineConfig): Guard | undefined {
    const { credential, latched } = config;
    if (!credential) return undefined;
    const { id } = credential;
    const isLatched = latched.includes(id);
    const known = guards.get(id);
    if (known) {
      if (isLatched) known.latch();
      return known;
    }
    const guard = createGuard(
      timers,
      {
        accepted: (parent) => emit({ type: 'credential-accepted', credential: id, parent }),
        rejected(parent) {
          log.error(`The parent proxy ${parent} refused the password. It is not sent again.`);
          emit({ type: 'credential-rejected', credential: id, parent });
        },
      },
      isLatched,
    );
    guards.set(id, guard);
    return guard;
  }

  async function applyNow(config: EngineConfig): Promise<void> {
    if (config.route === 'parents' && config.parents.length === 0) {
      throw new ProxyError('bad-configuration', 'No parent proxy is configured.');
    }
    const next = createWays(config, guardFor(config), {
      clock,
      timers,
      isOwn: (ip, port) => own.isOwn(ip, port),
    });
    const previous = ways;
    ways ??= next; // The first client may come before all listeners are open.
    try {
      await listeners.set(config.listeners);
    } catch (error) {
      ways = previous;
      next.parents.retire();
      throw error;
    } finally {
      own = createOwnAddresses(listeners.addresses, localNames());
    }
    ways = next;
    previous?.parents.retire();
  }

  return {
    get addresses() {
      return listeners.addresses;
    },
    get connections() {
      return listeners.connections;
    },
    apply(config) {
      const result = applying.then(() => applyNow(config));
      applying = result.catch(() => undefined);
      return result;
    },
    tryAgain(credential) {
      guards.get(credential)?.tryAgain();
    },
    async stop(drainTime = timers.drainOnStop) {
      stopping = true;
      const timer = setTimeout(() => listeners.destroy(), drainTime);
      await listeners.drain();
      clearTimeout(timer);
      ways?.parents.retire();
      clock.stop();
    },
  };
}

function localNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return [...addresses.map(({ address }) => address), hostname()];
}
