import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { createNtlmAuthenticator } from '../auth/ntlm.ts';
import { channelBindings } from '../ntlm/channel-bindings.ts';
import { hashesFor } from '../ntlm/hashes.ts';
import { createPracticeParent } from './practice-parent.ts';

const account = { user: 'alice', domain: 'LAB', workstation: 'WKS' };

/** A key and a certificate for localhost that nobody trusts. */
function createCertificate() {
  const folder = mkdtempSync(join(tmpdir(), 'practice-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-days', '2'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', ...kind, ...subject, '-sha384', '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  const pair = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  rmSync(folder, { recursive: true });
  return pair;
}

/** Signs in over TLS with a certificate of the caller's choice; gives the statuses of both legs. */
async function signIn(port: number, certificate: Buffer | undefined): Promise<string[]> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  const credential = { id: 'one', ...account, secrets: hashesFor('ntlmv2', account, 'secret') };
  const options = { scheme: 'ntlm', dialect: 'ntlmv2', credential, spn: 'HTTP/localhost' } as const;
  const attempt = createNtlmAuthenticator(options).begin();

  let reply = '';
  socket.on('data', (chunk: Buffer) => (reply += chunk.toString('latin1')));
  const ask = async (value: string) => {
    reply = '';
    socket.write(`HEAD http://127.0.0.1:1/ HTTP/1.1\r\nProxy-Authorization: ${value}\r\n\r\n`);
    while (!reply.includes('\r\n\r\n')) await once(socket, 'data');
    return reply.slice(9, 12);
  };
  const first = await ask(attempt.first() ?? '');
  const token = Buffer.from(/NTLM (\S+)/.exec(reply)?.[1] ?? '', 'base64');
  return [first, await ask(attempt.answer(token, certificate))];
}

test('a parent that speaks TLS takes its own channel bindings, or none, but no others', async () => {
  const [tls, other] = [createCertificate(), createCertificate()];
  const users = [{ domain: 'LAB', user: 'alice', password: 'secret' }];
  const parent = await createPracticeParent({ users, tls });
  onTestFinished(() => parent.close());
  const certificate = new X509Certificate(tls.cert).raw;

  // 503 comes from the target, beyond the sign-in.
  expect(await signIn(parent.port, certificate)).toEqual(['407', '503']);
  expect(await signIn(parent.port, undefined)).toEqual(['407', '503']);
  expect(await signIn(parent.port, new X509Certificate(other.cert).raw)).toEqual(['407', '407']);
  expect(parent.stats.signIns.map((login) => [login.accepted, login.channelBindings])).toEqual([
    [true, channelBindings(certificate).toString('hex')],
    [true, ''],
    [false, expect.stringMatching(/^[0-9a-f]{32}$/)],
  ]);
  expect(parent.stats.refused.size).toBe(0);
});
