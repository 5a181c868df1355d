import { expect, test } from 'vitest';
import { parseAccount, toUpperCase, toWorkstation } from './names.ts';

test.for([
  { typed: 'alice', user: 'alice', domain: '' },
  { typed: 'LAB\\alice', user: 'alice', domain: 'LAB' },
  { typed: ' lab.example.com\\alice ', user: 'alice', domain: 'lab.example.com' },
  { typed: '\\alice', user: 'alice', domain: '' },
  { typed: 'alice@lab.example.com', user: 'alice@lab.example.com', domain: '' },
  { typed: 'LAB\\alice@other', user: 'alice@other', domain: 'LAB' },
  { typed: 'LAB/alice', user: 'LAB/alice', domain: '' },
  { typed: '', user: '', domain: '' },
])('reads the account "$typed"', ({ typed, user, domain }) => {
  expect(parseAccount(typed)).toEqual({ user, domain });
});

test.for([
  ['laptop-7.corp.example.com', 'LAPTOP-7'],
  ['a-very-long-host-name', 'A-VERY-LONG-HOS'],
  ['', ''],
  ['.hidden', ''],
])('names the workstation %s', ([host = '', workstation]) => {
  expect(toWorkstation(host)).toBe(workstation);
});

test.for([
  ['straße', 'STRAßE'],
  ['ısık', 'ıSıK'],
  ['µser', 'µSER'],
  ['Ὀδυσσεύς', 'ὈΔΥΣΣΕΎΣ'],
  ['😀smile', '😀SMILE'],
  ['ﬁ', 'ﬁ'],
  ['ÿ', 'Ÿ'],
])('writes %s in capitals without changing its length', ([name = '', upper]) => {
  expect(toUpperCase(name)).toBe(upper);
});
