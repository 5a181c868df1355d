import { ProxyError } from '#engine/errors.ts';
import { lmHash, ntHash, ntlmv2Hash } from '#engine/ntlm/hashes.ts';
import { toUpperCase } from '#engine/ntlm/names.ts';
import type { Account } from '#engine/protocol.ts';
import { showAccount } from './credential.ts';
import { EXIT, type ExitCode } from './exit.ts';
import type { Output } from './output.ts';
import { askPassword } from './prompt.ts';

/** `gatepass hash`: what can be stored in place of a password. */
export async function printHashes(account: Account | undefined, output: Output): Promise<ExitCode> {
  const who = account ? ` of ${showAccount(account)}` : '';
  const hashes = computeHashes(await askPassword(`Password${who}: `), account);
  output.event(hashes);
  showHashes(hashes, output);
  return EXIT.worked;
}

/** Hashes in hex, capitals. A missing one is told about in `notes`. */
export interface Hashes {
  readonly user?: string;
  readonly domain?: string;
  /** As Gatepass reads them, and CNTLM from 0.94 on. */
  readonly plain: HashLines;
  /** As CNTLM up to 0.93 reads them: every bit inverted. */
  readonly inverted: HashLines;
  readonly notes: readonly string[];
}

interface HashLines {
  readonly PassLM?: string;
  readonly PassNT: string;
  readonly PassNTLMv2?: string;
}

export function computeHashes(password: string, account: Account | undefined): Hashes {
  const notes: string[] = [];
  const lm = lmOrReason(password);
  if (typeof lm === 'string') notes.push(`No PassLM: ${lm}`);
  const nt = ntHash(password);
  if (!account) notes.push("No PassNTLMv2: it belongs to one account; add --user 'DOMAIN\\user'.");
  const { user, domain } = account ?? { user: '', domain: '' };
  const v2 = account && ntlmv2Hash(nt, user, domain);
  // CNTLM hashes the domain in capitals, and sends it so.
  const cntlmV2 = account && ntlmv2Hash(nt, user, toUpperCase(domain));
  if (v2 && cntlmV2 && !v2.equals(cntlmV2)) {
    notes.push(
      'CNTLM writes the domain in capitals, so its PassNTLMv2 is another hash; for CNTLM from ' +
        '0.94 on, give the domain in capitals here.',
    );
  }
  const lines = (show: (hash: Buffer) => string, ntlmv2: Buffer | undefined): HashLines => ({
    ...(typeof lm !== 'string' && { PassLM: show(lm) }),
    PassNT: show(nt),
    ...(ntlmv2 && { PassNTLMv2: show(ntlmv2) }),
  });
  return {
    ...(account && { user, domain }),
    plain: lines(toHex, v2),
    inverted: lines((hash) => toHex(hash.map((byte) => byte ^ 0xff)), cntlmV2),
    notes,
  };
}

function lmOrReason(password: string): Buffer | string {
  try {
    return lmHash(password);
  } catch (error) {
    if (error instanceof ProxyError) return error.message;
    throw error;
  }
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}

function showHashes({ plain, inverted, notes }: Hashes, output: Output): void {
  output.say('# For Gatepass (--hash-file), and for CNTLM from 0.94 on');
  showLines(plain, output);
  output.say();
  output.say('# For CNTLM up to 0.93, Debian’s 0.92.3 included (every bit inverted)');
  showLines(inverted, output);
  for (const note of notes) output.note(note);
}

function showLines({ PassLM, PassNT, PassNTLMv2 }: HashLines, output: Output): void {
  for (const [name, value] of Object.entries({ PassLM, PassNT, PassNTLMv2 })) {
    if (value !== undefined) output.say(`${name.padEnd(10)} ${value}`);
  }
}
