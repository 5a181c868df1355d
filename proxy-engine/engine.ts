import { randomBytes } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import { ProxyError } from './errors.ts';
import { TIMERS, type Timers } from './limits.ts';
import type { Gate, Ways } from './listen/gate.ts';
import { listen, type Listener } from './listen/listener.ts';
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
  const listeners = new Map<string, Listener>();
  let own = createOwnAddresses([], []);
  let ways: Ways | undefined;
  let stopping = false;

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

  async function openListeners(wanted: readonly Endpoint[]): Promise<void> {
    const opened = new Map<string, Listener>();
    try {
      for (const endpoint of wanted) {
        const key = `${endpoint.host} ${endpoint.port}`;
        if (!listeners.has(key) && !opened.has(key)) opened.set(key, await listen(endpoint, gate));
      }
    } catch (error) {
      for (const listener of opened.values()) void listener.drain();
      throw error;
    }
    const keys = new Set(wanted.map(({ host, port }) => `${host} ${port}`));
    for (const [key, listener] of listeners) {
      if (keys.has(key)) continue;
      listeners.delete(key);
      void listener.drain();
    }
    for (const [key, listener] of opened) listeners.set(key, listener);
    own = createOwnAddresses(addresses(), localNames());
  }

  function addresses(): Endpoint[] {
    return [...listeners.values()].map(({ address }) => address);
  }

  return {
    get addresses() {
      return addresses();
    },
    async apply(config) {
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
        await openListeners(config.listeners);
      } catch (error) {
        ways = previous;
        next.parents.retire();
        throw error;
      }
      ways = next;
      previous?.parents.retire();
    },
    tryAgain(credential) {
      guards.get(credential)?.tryAgain();
    },
    async stop(drainTime = timers.drainOnStop) {
      stopping = true;
      const all = [...listeners.values()];
      const drained = Promise.all(all.map((listener) => listener.drain()));
      const timer = setTimeout(() => {
        for (const listener of all) listener.destroy();
      }, drainTime);
      await drained;
      clearTimeout(timer);
      listeners.clear();
      ways?.parents.retire();
      clock.stop();
    },
  };
}

function localNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return [...addresses.map(({ address }) => address), hostname()];
}
