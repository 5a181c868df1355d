import { connect, type Socket } from 'node:net';
import { listenTcp } from './tcp-server.ts';

/** Stands between engine and parent, and can keep back what the parent says to a proof. */
export interface HoldingRelay {
  readonly port: number;
  /** Proofs (Type 3 messages) that have gone to the parent. */
  readonly proofs: number;
  /** From now on answers to proofs wait. */
  hold(): void;
  /** They go on, and later ones do not wait any more. */
  release(): void;
  close(): Promise<void>;
}

/** `NTLMSSP`, a zero and the type 3, in Base64. */
const TYPE_3 = 'TlRMTVNTUAADAAAA';

export async function createHoldingRelay(parentPort: number): Promise<HoldingRelay> {
  const held = new Set<Socket>();
  let isHolding = false;
  let proofs = 0;

  const server = await listenTcp((client) => {
    const parent = connect({ port: parentPort, host: '127.0.0.1', noDelay: true });
    client.on('data', (bytes: Buffer) => {
      if (bytes.includes(TYPE_3)) {
        proofs += 1;
        if (isHolding) {
          parent.pause();
          held.add(parent);
        }
      }
      parent.write(bytes);
    });
    parent.on('data', (bytes: Buffer) => client.write(bytes));
    client.on('end', () => parent.end());
    parent.on('end', () => client.end());
    parent.on('error', () => client.destroy());
    client.on('close', () => parent.destroy());
    parent.on('close', () => {
      held.delete(parent);
      client.destroySoon();
    });
  });

  return {
    port: server.port,
    get proofs() {
      return proofs;
    },
    hold() {
      isHolding = true;
    },
    release() {
      isHolding = false;
      for (const parent of held) parent.resume();
      held.clear();
    },
    close: () => server.close(),
  };
}
