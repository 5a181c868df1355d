import { readFileSync } from 'node:fs';

/** USER_HZ: what /proc counts in, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const SAMPLE_EVERY = 50;

/** The process and its descendants, as they are now. */
export function family(pid: number): readonly number[] {
  const children = readOr(`/proc/${pid}/task/${pid}/children`, '').split(' ').filter(Boolean);
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

/** Seconds of CPU used so far, user and system, ended threads included. */
export function cpuSeconds(pids: readonly number[]): number {
  return sum(pids.map((pid) => toTicks(readOr(`/proc/${pid}/stat`, '')))) / TICKS_PER_SECOND;
}

/** Resident memory in kB, the sum over the processes: pages they share count more than once. */
export function residentKilobytes(pids: readonly number[]): number {
  return sum(pids.map((pid) => toResident(readOr(`/proc/${pid}/status`, ''))));
}

/** Watches resident memory until the returned function is called, which tells the largest sum. */
export function watchMemory(pids: readonly number[]): () => number {
  let largest = 0;
  const look = () => (largest = Math.max(largest, residentKilobytes(pids)));
  look();
  const timer = setInterval(look, SAMPLE_EVERY);
  return () => {
    clearInterval(timer);
    return look();
  };
}

/** utime and stime, fields 14 and 15 of proc(5); the name before them may hold blanks. */
export function toTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

/** VmRSS of proc(5) in kB. */
export function toResident(status: string): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return fallback;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
