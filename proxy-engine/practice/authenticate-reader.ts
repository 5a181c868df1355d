/** An AUTHENTICATE_MESSAGE taken apart, [MS-NLMP] 2.2.1.3. */
export interface AuthenticateMessage {
  readonly raw: Buffer;
  readonly flags: number;
  readonly lm: Buffer;
  readonly nt: Buffer;
  readonly domain: string;
  readonly user: string;
  readonly workstation: string;
  readonly sessionKey: Buffer;
  /** The list within an NTLMv2 response, as sent; undefined for the older dialects. */
  readonly pairs?: readonly { readonly id: number; readonly value: Buffer }[];
}

const UNICODE = 0x1;

/** Undefined for bytes that are no such message, or that point outside themselves. */
export function readAuthenticateMessage(raw: Buffer): AuthenticateMessage | undefined {
  if (raw.length < 64 || raw.toString('latin1', 0, 8) !== 'NTLMSSP\0') return undefined;
  if (raw.readUInt32LE(8) !== 3) return undefined;
  const flags = raw.readUInt32LE(60);
  const [lm, nt, domain, user, workstation, sessionKey] = [12, 20, 28, 36, 44, 52].map((at) =>
    readPart(raw, at),
  );
  if (!lm || !nt || !domain || !user || !workstation || !sessionKey) return undefined;
  const pairs = nt.length > 24 ? readList(nt.subarray(44)) : undefined;
  if (nt.length > 24 && !pairs) return undefined;
  const encoding = (flags & UNICODE) === 0 ? 'latin1' : 'utf16le';
  return {
    raw,
    flags,
    lm,
    nt,
    domain: domain.toString(encoding),
    user: user.toString(encoding),
    workstation: workstation.toString(encoding),
    sessionKey,
    ...(pairs && { pairs }),
  };
}

/** The pairs of a list up to its end mark, or undefined if it has none or is broken. */
export function readList(list: Buffer): { id: number; value: Buffer }[] | undefined {
  const pairs: { id: number; value: Buffer }[] = [];
  for (let at = 0; at + 4 <= list.length;) {
    const id = list.readUInt16LE(at);
    const end = at + 4 + list.readUInt16LE(at + 2);
    if (id === 0) return pairs;
    if (end > list.length) return undefined;
    pairs.push({ id, value: list.subarray(at + 4, end) });
    at = end;
  }
  return undefined;
}

function readPart(raw: Buffer, at: number): Buffer | undefined {
  const offset = raw.readUInt32LE(at + 4);
  const end = offset + raw.readUInt16LE(at);
  return end > raw.length ? undefined : raw.subarray(offset, end);
}
