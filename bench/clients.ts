import { run } from './processes.ts';

const TUNNEL_CLIENT = 'node_modules/.cache/bench/tunnel-client';
/** Beyond the seconds asked for; a client that hangs is ended. */
const GRACE = 15;

/** What a client saw. */
export interface Outcome {
  /** Requests or tunnels per second, or MB (10^6) per second. */
  readonly rate: number;
  /** Requests, tunnels or MB in all, for CPU time per piece of work. */
  readonly amount: number;
  /** What went wrong, in the client's words; empty when nothing did. */
  readonly complaint: string;
}

export interface HttpLoad {
  readonly path: '/1k' | '/1m';
  readonly connections: number;
  /** One request per connection. */
  readonly close?: boolean;
}

/** wrk with one thread on the proxy at 127.0.0.1:port. */
export async function driveHttp(load: HttpLoad, port: number, seconds: number): Promise<Outcome> {
  const words = ['-t1', `-c${load.connections}`, `-d${Math.ceil(seconds)}s`, '-s', 'bench/wrk.lua'];
  const target = [`http://127.0.0.1:${port}`, '--', load.path, ...(load.close ? ['close'] : [])];
  return parseWrk(await run('wrk', [...words, ...target], seconds + GRACE));
}

/** Reads wrk's summary. */
export function parseWrk(text: string): Outcome {
  const rate = /^Requests\/sec:\s+([\d.]+)/m.exec(text)?.[1];
  const amount = /^\s+(\d+) requests in/m.exec(text)?.[1];
  if (rate === undefined || amount === undefined) throw new Error('wrk printed no result.');
  const complaints = text.match(/(Non-2xx.*|Socket errors.*)/g) ?? [];
  return { rate: Number(rate), amount: Number(amount), complaint: complaints.join('; ') };
}

/** Tunnels opened and closed, `parallel` at a time. */
export function driveSetUp(parallel: number, port: number, seconds: number): Promise<Outcome> {
  return driveTunnels(['setup', `${port}`, `${parallel}`, `${seconds}`], seconds);
}

/** One tunnel that carries as much as it can. */
export function driveFlow(
  direction: 'down' | 'up',
  port: number,
  seconds: number,
): Promise<Outcome> {
  return driveTunnels([direction, `${port}`, `${seconds}`], seconds);
}

async function driveTunnels(words: readonly string[], seconds: number): Promise<Outcome> {
  const rate = Number(await run(TUNNEL_CLIENT, words, seconds + GRACE));
  return { rate, amount: rate * seconds, complaint: '' };
}

/** How to start the client that holds idle tunnels; it prints a line when all are open. */
export function holdTunnels(count: number, port: number, seconds: number) {
  return { command: TUNNEL_CLIENT, words: ['idle', `${port}`, `${count}`, `${seconds}`] };
}
