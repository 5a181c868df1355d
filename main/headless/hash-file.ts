import { open } from 'node:fs/promises';
import type { Secrets } from '#engine/protocol.ts';
import { wrongUse } from './exit.ts';

const NAMES = { passlm: 'lm', passnt: 'nt', passntlmv2: 'ntlmv2' } as const;
const LINE = /^(\w+)\s+([0-9a-f]{32})$/i;
const MAX_SIZE = 64 * 1024;
const OTHERS = 0o077;

/** Reads a file of hashes that nobody but its owner can read. Throws CommandError. */
export async function readHashFile(path: string): Promise<Secrets> {
  const file = await open(path).catch(() => {
    throw wrongUse(`The hash file ${path} cannot be read. Check its name and its owner.`);
  });
  try {
    const { mode, size } = await file.stat();
    // Windows has no such modes: the folder's own protection counts there.
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw wrongUse(
        `Others can read the hash file ${path} (mode ${shown}), and a hash is as good as the ` +
          `password. Run: chmod 600 '${path}'`,
      );
    }
    if (size > MAX_SIZE) throw wrongUse(`${path} is too long for a hash file. Check its name.`);
    return parseHashFile(await file.readFile('utf8'), path);
  } finally {
    await file.close();
  }
}

/**
 * Reads lines such as `PassNTLMv2 <32 hex digits>` in the plain form; `#` begins a comment. No
 * error shows what a line holds.
 */
export function parseHashFile(text: string, path: string): Secrets {
  let secrets: Secrets = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const content = line.replace(/#.*/, '').trim();
    if (content === '') continue;
    const [, key = '', digits = ''] = LINE.exec(content) ?? [];
    const name = hashName(key.toLowerCase());
    if (name === undefined) {
      throw wrongUse(
        `Line ${index + 1} of ${path} is not understood. Write PassNTLMv2, PassNT or PassLM and ` +
          '32 hex digits, as "gatepass hash" prints them.',
      );
    }
    secrets = { ...secrets, [name]: Buffer.from(digits, 'hex') };
  }
  return secrets;
}

function hashName(key: string): keyof Secrets | undefined {
  return key === 'passlm' || key === 'passnt' || key === 'passntlmv2' ? NAMES[key] : undefined;
}
