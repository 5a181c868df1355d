const EPOCH_OFFSET = 11_644_473_600_000n;

/** A FILETIME (8 bytes, 100 ns since 1601) in milliseconds since 1970. */
export function fromFileTime(time: Buffer): number {
  return Number(time.readBigUInt64LE() / 10_000n - EPOCH_OFFSET);
}
