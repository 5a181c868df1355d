import { expect, test } from 'vitest';
import { stateFolder } from './state-folder.ts';

test.for<[NodeJS.Platform, Record<string, string>, string, string]>([
  ['linux', {}, '/home/a', '/home/a/.local/state/gatepass'],
  ['linux', { XDG_STATE_HOME: '/state' }, '/home/a', '/state/gatepass'],
  ['linux', { XDG_STATE_HOME: 'relative' }, '/home/a', '/home/a/.local/state/gatepass'],
  ['darwin', {}, '/Users/a', '/Users/a/Library/Application Support/gatepass'],
  ['win32', {}, 'C:\\Users\\a', 'C:\\Users\\a\\AppData\\Local\\gatepass'],
  ['win32', { LOCALAPPDATA: 'D:\\L' }, 'C:\\Users\\a', 'D:\\L\\gatepass'],
])('on %s with %o at home in %s it is %s', ([platform, env, home, expected]) => {
  expect(stateFolder({ platform, env, home })).toBe(expected);
});
