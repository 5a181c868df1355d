import type { Endpoint } from '../protocol.ts';
import type { Gate } from './gate.ts';
import { listen, type Listener } from './listener.ts';

/** All addresses at which clients are taken. */
export interface Listeners {
  /** With the ports really bound. */
  readonly addresses: readonly Endpoint[];
  /** Client connections open now. */
  readonly connections: number;
  /**
   * Opens what is new and closes what is no more wanted; the rest is not touched.
   *
   * @throws ProxyError 'bad-configuration'; then everything is as it was
   */
  set(wanted: readonly Endpoint[]): Promise<void>;
  drain(): Promise<void>;
  destroy(): void;
}

export function createListeners(gate: Gate): Listeners {
  /** By the address asked for. */
  let open = new Map<string, Listener>();

  async function openAll(endpoints: readonly Endpoint[]): Promise<Map<string, Listener>> {
    const opened = new Map<string, Listener>();
    try {
      for (const endpoint of endpoints) opened.set(keyOf(endpoint), await listen(endpoint, gate));
      return opened;
    } catch (error) {
      for (const listener of opened.values()) void listener.drain();
      throw error;
    }
  }

  return {
    get addresses() {
      return [...open.values()].map(({ address }) => address);
    },
    get connections() {
      return [...open.values()].reduce((sum, listener) => sum + listener.connections, 0);
    },
    async set(wanted) {
      const keys = new Set(wanted.map(keyOf));
      const isWanted = ([key, { address }]: [string, Listener]): boolean =>
        keys.has(key) || keys.has(keyOf(address));
      const staying = [...open].filter(isWanted);
      const leaving = [...open].filter((entry) => !isWanted(entry));
      const known = new Set(staying.flatMap(([key, { address }]) => [key, keyOf(address)]));
      const missing = uniqueBy(wanted, keyOf).filter((endpoint) => !known.has(keyOf(endpoint)));
      // An address on the same port, say all interfaces in place of one, needs the port first.
      const ports = new Set(missing.map(({ port }) => port));
      const inTheWay = leaving.filter(([, { address }]) => ports.has(address.port));
      for (const [, listener] of inTheWay) void listener.drain();
      try {
        const opened = await openAll(missing);
        for (const [, listener] of leaving) if (!listener.isDraining) void listener.drain();
        open = new Map([...staying, ...opened]);
      } catch (error) {
        const back = await openAll(inTheWay.map(([, { address }]) => address));
        const untouched = [...open].filter((entry) => !entry[1].isDraining);
        open = new Map([...untouched, ...back]);
        throw error;
      }
    },
    async drain() {
      await Promise.all([...open.values()].map((listener) => listener.drain()));
    },
    destroy() {
      for (const listener of open.values()) listener.destroy();
    },
  };
}

function keyOf({ host, port }: Endpoint): string {
  return `${host} ${port}`;
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}
