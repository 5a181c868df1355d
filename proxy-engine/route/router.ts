import type { EngineConfig } from '../protocol.ts';
import { compileNoProxy } from './no-proxy.ts';

/** Which way out a target takes; whether a parent can be reached now is decided by who dials. */
export type Way = 'direct' | 'parents' | 'parents-or-direct';

/** Throws `bad-configuration` for a NoProxy pattern that cannot be read. */
export function createRouter(
  config: Pick<EngineConfig, 'route' | 'noProxy'>,
): (host: string, port: number) => Way {
  const goesDirect = compileNoProxy(config.noProxy);
  const way = toWay(config.route);
  return (host, port) => (way === 'direct' || goesDirect(host, port) ? 'direct' : way);
}

function toWay(route: EngineConfig['route']): Way {
  switch (route) {
    case 'direct':
      return 'direct';
    case 'parents':
      return 'parents';
    case 'parents-if-reachable':
      return 'parents-or-direct';
  }
}
