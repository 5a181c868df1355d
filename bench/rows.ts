import { driveFlow, driveHttp, driveSetUp, type HttpLoad, type Outcome } from './clients.ts';

/** What Gatepass is held to: a multiple of a peer's figure of the same run, never a bare number. */
export interface RateGoal {
  readonly peer: 'cntlm' | 'haproxy';
  readonly atLeast: number;
}

/** One kind of load. */
export interface Row {
  readonly title: string;
  readonly unit: 'requests/s' | 'tunnels/s' | 'MB/s';
  readonly goals: readonly RateGoal[];
  /** Its memory counts for the goal under keep-alive load. */
  readonly keepAlive?: boolean;
  readonly drive: (port: number, seconds: number) => Promise<Outcome>;
}

const http = (load: HttpLoad) => (port: number, seconds: number) => driveHttp(load, port, seconds);
const flow = (direction: 'down' | 'up') => (port: number, seconds: number) =>
  driveFlow(direction, port, seconds);

const FLOW_GOALS: readonly RateGoal[] = [
  { peer: 'cntlm', atLeast: 1.5 },
  { peer: 'haproxy', atLeast: 0.9 },
];

/** The rows in the order they run: keep-alive first, while memory is fresh. */
export const rows: readonly Row[] = [
  {
    title: 'Keep-alive, 1 kB, 1 connection',
    unit: 'requests/s',
    goals: [
      { peer: 'cntlm', atLeast: 50 },
      { peer: 'haproxy', atLeast: 0.8 },
    ],
    keepAlive: true,
    drive: http({ path: '/1k', connections: 1 }),
  },
  {
    title: 'Keep-alive, 1 kB, 32 connections',
    unit: 'requests/s',
    goals: [
      { peer: 'cntlm', atLeast: 50 },
      { peer: 'haproxy', atLeast: 0.6 },
    ],
    keepAlive: true,
    drive: http({ path: '/1k', connections: 32 }),
  },
  {
    title: 'One request per connection, 1 kB, 32 in parallel',
    unit: 'requests/s',
    goals: [],
    drive: http({ path: '/1k', connections: 32, close: true }),
  },
  {
    title: '1 MB bodies, 8 connections',
    unit: 'requests/s',
    goals: [],
    drive: http({ path: '/1m', connections: 8 }),
  },
  {
    title: 'CONNECT set-up, 32 in parallel ¹',
    unit: 'tunnels/s',
    goals: [{ peer: 'cntlm', atLeast: 2 }],
    drive: (port, seconds) => driveSetUp(32, port, seconds),
  },
  { title: 'One tunnel, download', unit: 'MB/s', goals: FLOW_GOALS, drive: flow('down') },
  { title: 'One tunnel, upload', unit: 'MB/s', goals: FLOW_GOALS, drive: flow('up') },
];
