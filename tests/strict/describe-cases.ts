import { afterAll, beforeAll, test } from 'vitest';
import type { Case, Way } from './case.ts';
import { checkCase } from './check-case.ts';
import { expectSameAtEverySplit } from './every-split.ts';
import { createStand, type Stand } from './stand.ts';

/** Far more than any takes, also where the machine has other things to do. */
const TIME = { timeout: 30_000 };
/** Beyond this a case is a flood: its splits are sampled. */
const LONG = 8192;

/**
 * Runs every case both ways through a real engine, whole and in pieces, and through the readers.
 * Returns the stand for tests of other kinds in the same file; it is there once they run.
 */
export function describeCases(cases: readonly Case[]): () => Stand {
  let stand: Stand;

  beforeAll(async () => {
    stand = await createStand();
  });
  afterAll(() => stand.close());

  const rows = cases.flatMap((row) =>
    (row.ways ?? (['direct', 'parent'] as const)).map((way: Way) => ({ way, name: row.name, row })),
  );
  test.for(rows)('$name ($way)', TIME, ({ row, way }) => checkCase(stand, row, way));
  test.for(rows)('$name ($way), in pieces', TIME, async ({ row, way }) => {
    const { length } = row.send;
    for (const cuts of length > LONG ? [[1, length >> 1]] : [[1], [length >> 1], [length - 1]]) {
      await checkCase(stand, row, way, cuts);
    }
  });
  test.for(cases)('$name, cut at any byte for the readers', TIME, ({ send }) =>
    expectSameAtEverySplit(stand.fill(send, 'direct')),
  );
  return () => stand;
}
