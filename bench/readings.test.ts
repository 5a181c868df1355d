import { expect, test } from 'vitest';
import { parseWrk } from './clients.ts';
import { median } from './measure.ts';
import { parseOptions } from './options.ts';
import { toResident, toTicks } from './usage.ts';

const SUMMARY = `Running 3s test @ http://127.0.0.1:7101
  1 threads and 32 connections
  92148 requests in 3.01s, 100.16MB read
Requests/sec:  30613.95
Transfer/sec:     33.28MB
`;

test('the rate and the count come from the summary of wrk', () => {
  expect(parseWrk(SUMMARY)).toEqual({ rate: 30613.95, amount: 92148, complaint: '' });
});

test('wrong answers and broken connections are kept as a complaint', () => {
  const summary = `${SUMMARY}  Socket errors: connect 0, read 3, write 0, timeout 0\n  Non-2xx or 3xx responses: 7\n`;

  expect(parseWrk(summary).complaint).toBe(
    'Socket errors: connect 0, read 3, write 0, timeout 0; Non-2xx or 3xx responses: 7',
  );
});

test('output without a summary is an error, not a zero', () => {
  expect(() => parseWrk('unable to connect to 127.0.0.1')).toThrow('wrk printed no result');
});

test('the CPU time of a process is found behind a name with blanks and brackets', () => {
  const stat = '4242 (node (main) x) S 1 4242 4242 0 -1 4194304 900 0 0 0 150 50 7 7 20 0 11 0 1';

  expect(toTicks(stat)).toBe(200);
});

test('resident memory is read in kB, and a process that is gone has none', () => {
  expect(toResident('VmHWM:\t   60000 kB\nVmRSS:\t   45120 kB\n')).toBe(45120);
  expect(toResident('')).toBe(0);
});

test.for([
  { values: [3, 1, 2], middle: 2 },
  { values: [4, 1, 3, 2], middle: 2.5 },
  { values: [7], middle: 7 },
])('the median of $values is $middle', ({ values, middle }) => {
  expect(median(values)).toBe(middle);
});

test('rounds and seconds may be set one by one, over the quick defaults too', () => {
  expect(parseOptions([])).toMatchObject({ rounds: 5, seconds: 4 });
  expect(parseOptions(['--quick', '--seconds', '3'])).toMatchObject({ rounds: 2, seconds: 3 });
});

test.for(['0', '1.5', 'many', '1000'])('--rounds %s is refused', (rounds) => {
  expect(() => parseOptions(['--rounds', rounds])).toThrow('whole number from 1 to 99');
});
