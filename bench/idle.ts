import { setTimeout as wait } from 'node:timers/promises';
import { driveSetUp, holdTunnels } from './clients.ts';
import { median } from './measure.ts';
import { type Parent, type Peer, type ProxyName, startPeer } from './peers.ts';
import { firstLine, start, stop } from './processes.ts';
import { family, residentKilobytes } from './usage.ts';

/** Memory of a proxy that has nothing to do, in kB. */
export interface IdleFigure {
  readonly fresh: number;
  readonly perTunnel: number;
}

export type IdleFigures = ReadonlyMap<ProxyName, IdleFigure>;

/** cntlm waits with select(2): more than 1,024 descriptors would overrun its sets. */
const TUNNELS: Readonly<Record<ProxyName, number>> = {
  gatepass: 1000,
  cntlm: 400,
  haproxy: 1000,
};
const SETTLE = 1000;

/** Each repeat starts a fresh process, so that memory freed after other load hides nothing. */
export async function measureIdle(
  name: ProxyName,
  parent: Parent,
  folder: string,
  repeats: number,
): Promise<IdleFigure> {
  const figures: IdleFigure[] = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const peer = await startPeer(name, parent, folder);
    figures.push(await measureFresh(peer, TUNNELS[name]));
    await stop(peer.running);
  }
  return {
    fresh: median(figures.map((figure) => figure.fresh)),
    perTunnel: median(figures.map((figure) => figure.perTunnel)),
  };
}

async function measureFresh(peer: Peer, tunnels: number): Promise<IdleFigure> {
  const resident = () => residentKilobytes(family(peer.running.pid));
  await wait(SETTLE);
  const fresh = resident();

  // What the first tunnels load and compile belongs to the program, not to a tunnel.
  await driveSetUp(8, peer.port, 0.2);
  await wait(SETTLE);
  const before = resident();

  const { command, words } = holdTunnels(tunnels, peer.port, 60);
  const client = start(command, words, { output: true });
  await firstLine(client);
  await wait(SETTLE);
  const perTunnel = (resident() - before) / tunnels;
  await stop(client);
  return { fresh, perTunnel };
}
