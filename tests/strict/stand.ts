import type { Timers } from '#engine/limits.ts';
import { createRecordingOrigin, type RecordingOrigin } from '#engine/testing/recording-origin.ts';
import type { Way } from './case.ts';
import { createH11Oracle, hasH11 } from './h11-oracle.ts';
import { createLlhttpOracle } from './llhttp-oracle.ts';
import type { Oracle } from './oracle.ts';
import { startEngine, type RunningEngine } from './start-engine.ts';

/** One engine for each way out, what it talks to, and the foreign parsers that judge it. */
export interface Stand {
  readonly origin: RecordingOrigin;
  /** A parent that asks for no sign-in; it answers by itself, as a cache would. */
  readonly parent: RecordingOrigin;
  readonly oracles: readonly Oracle[];
  engine(way: Way): RunningEngine;
  /** Who records what the engine sends onward this way. */
  hop(way: Way): RecordingOrigin;
  /** The bytes of a case with its placeholders filled in. */
  fill(text: string, way: Way): Buffer;
  close(): Promise<void>;
}

/** In CI a missing h11 is a failure; elsewhere the suite says so and does without. */
export async function createStand(timers: Partial<Timers> = {}): Promise<Stand> {
  const withH11 = hasH11();
  if (!withH11 && process.env['CI'] === 'true') throw new Error('python3-h11 is missing.');
  if (!withH11) console.warn('python3-h11 is missing: only llhttp judges what was forwarded.');
  const [origin, parent] = await Promise.all([createRecordingOrigin(), createRecordingOrigin()]);
  const endpoint = { host: '127.0.0.1', port: parent.port };
  const [direct, viaParent] = await Promise.all([
    startEngine({ route: 'direct' }, timers),
    startEngine({ route: 'parents', parents: [endpoint] }, timers),
  ]);
  const oracles = [await createLlhttpOracle(), ...(withH11 ? [createH11Oracle()] : [])];
  const engines = { direct, parent: viaParent };

  return {
    origin,
    parent,
    oracles,
    engine: (way) => engines[way],
    hop: (way) => (way === 'direct' ? origin : parent),
    fill(text, way) {
      const filled = text
        .replaceAll('%A%', origin.authority)
        .replaceAll('%P%', String(engines[way].port));
      return Buffer.from(filled, 'latin1');
    },
    async close() {
      await Promise.all([direct.stop(), viaParent.stop()]);
      await Promise.all([
        origin.close(),
        parent.close(),
        ...oracles.map((oracle) => oracle.close()),
      ]);
    },
  };
}
