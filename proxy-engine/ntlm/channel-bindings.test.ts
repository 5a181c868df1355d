import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProxyError } from '../errors.ts';
import { bytes, list, text } from '../testing/vectors.ts';
import { channelBindings } from './channel-bindings.ts';
import { md5 } from './digest.ts';

const CERTIFICATES = list('channel bindings').map((entry) => ({
  entry,
  name: text(entry, 'name'),
}));

test.for(CERTIFICATES)('binds to a certificate signed with $name', ({ entry }) => {
  const data = bytes(entry, 'applicationData');
  const size = Buffer.from([data.length, 0, 0, 0]);
  expect(md5(Buffer.alloc(16), size, data)).toEqual(bytes(entry, 'MsvAvChannelBindings'));
  expect(channelBindings(bytes(entry, 'certDer'))).toEqual(bytes(entry, 'MsvAvChannelBindings'));
});

test('a certificate that is cut or damaged gives bindings or a clear failure', () => {
  const certificates = CERTIFICATES.map(({ entry }) => bytes(entry, 'certDer'));
  fc.assert(
    fc.property(
      fc.constantFrom(...certificates),
      fc.nat(600),
      fc.nat(255),
      fc.nat(600),
      (certificate, at, value, length) => {
        const damaged = Buffer.from(certificate);
        damaged[at % damaged.length] = value;
        const cut = damaged.subarray(0, length);
        for (const der of [damaged, cut]) {
          try {
            expect(channelBindings(der)).toHaveLength(16);
          } catch (error) {
            expect(error).toBeInstanceOf(ProxyError);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});
