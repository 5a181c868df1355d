import { expect, test } from 'vitest';
import { suite } from '../suite.ts';
import { badPasswordCount, createUser, DOMAIN, parent, setPassword } from './lab.ts';
import { tryRun } from './run.ts';

suite('the lab', ['samba', 'squid', 'curl'], () => {
  test('counts a refused logon and takes a new password', async () => {
    const { name, password } = await createUser();
    const { port } = parent('ntlm');
    const status = async (secret: string): Promise<string> => {
      const options = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--proxy-ntlm'];
      const who = ['-U', `${DOMAIN}\\${name}:${secret}`, '-x', `http://127.0.0.1:${port}`];
      const target = `http://127.0.0.1:${parent('echo').port}/`;
      return (await tryRun('curl', [...options, ...who, target])).stdout;
    };

    expect(await status('wrong')).toBe('407');
    expect(await badPasswordCount(name)).toBe(1);
    expect(await status(password)).toBe('200');
    await setPassword(name, 'New-Passw0rd');
    expect(await status('New-Passw0rd')).toBe('200');
    expect(await badPasswordCount(name)).toBe(0);
  });
});
