import { setFlagsFromString, getHeapStatistics } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How often is looked whether it is quiet, in milliseconds. */
const LOOK = 500;
/** Below this share of a processor nothing much is going on. */
const QUIET = 0.05;
/** Growth that is worth a collection, in bytes. */
const WORTH = 4 * 1024 * 1024;
/** Also shrinks the young generation and returns pages, which a plain collection keeps. */
const THOROUGH = { type: 'major', execution: 'sync', flavor: 'last-resort' } as const;

/**
 * Gives memory back to the system after a burst of work. V8 collects when it needs room, not when
 * there is time: a thousand sign-ins leave some 20 MB of garbage that would stay for hours on a
 * quiet machine. One collection in the first quiet half second takes some 15 ms that nobody misses.
 */
export function giveMemoryBack(): void {
  const collect = findCollector();
  if (!collect) return;
  let kept = getHeapStatistics().total_heap_size;
  let cpu = process.cpuUsage();

  setInterval(() => {
    const used = process.cpuUsage(cpu);
    cpu = process.cpuUsage();
    const isQuiet = (used.user + used.system) / 1000 < LOOK * QUIET;
    if (!isQuiet || getHeapStatistics().total_heap_size < kept + WORTH) return;
    collect();
    kept = getHeapStatistics().total_heap_size;
  }, LOOK).unref();
}

/** Node hands the collector out only where it was asked to; a flag set late holds for new contexts. */
function findCollector(): (() => void) | undefined {
  setFlagsFromString('--expose-gc');
  const collector: unknown = runInNewContext('gc');
  if (typeof collector !== 'function') return undefined;
  return () => void Reflect.apply(collector, undefined, [THOROUGH]);
}
