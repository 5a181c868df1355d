/** AvId values, [MS-NLMP] 2.2.2.1. */
export const AV = {
  END: 0,
  NETBIOS_COMPUTER: 1,
  NETBIOS_DOMAIN: 2,
  DNS_COMPUTER: 3,
  DNS_DOMAIN: 4,
  DNS_TREE: 5,
  FLAGS: 6,
  TIMESTAMP: 7,
  TARGET_NAME: 9,
  CHANNEL_BINDINGS: 10,
} as const;

/** MsvAvFlags: the AUTHENTICATE_MESSAGE carries a MIC. */
export const AV_FLAG_MIC = 2;

export interface AvPair {
  readonly id: number;
  readonly value: Buffer;
}

const PAIR_HEADER = 4;

/**
 * Reads an AV_PAIR list up to its end mark, duplicates and unknown ids included.
 * A list that stops cleanly without the mark is read too; a broken one gives undefined.
 */
export function readPairs(list: Buffer): readonly AvPair[] | undefined {
  const pairs: AvPair[] = [];
  let at = 0;
  while (at < list.length) {
    if (at + PAIR_HEADER > list.length) return undefined;
    const id = list.readUInt16LE(at);
    if (id === AV.END) return pairs;
    const end = at + PAIR_HEADER + list.readUInt16LE(at + 2);
    if (end > list.length) return undefined;
    pairs.push({ id, value: list.subarray(at + PAIR_HEADER, end) });
    at = end;
  }
  return pairs;
}

/** Writes pairs in the given order, and the end mark. */
export function writePairs(pairs: readonly AvPair[]): Buffer {
  const parts = pairs.flatMap(({ id, value }) => [pairHeader(id, value.length), value]);
  return Buffer.concat([...parts, pairHeader(AV.END, 0)]);
}

/** The first pair with this id. */
export function findPair(pairs: readonly AvPair[], id: number): Buffer | undefined {
  return pairs.find((pair) => pair.id === id)?.value;
}

function pairHeader(id: number, length: number): Buffer {
  const header = Buffer.alloc(PAIR_HEADER);
  header.writeUInt16LE(id, 0);
  header.writeUInt16LE(length, 2);
  return header;
}
