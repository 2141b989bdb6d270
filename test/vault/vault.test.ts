import { expect } from 'chai';
import { Secret } from '../../server/secret.ts';
import { createFernet, FernetError, generateFernetKey } from '../../server/vault/fernet.ts';
import { createVault } from '../../server/vault/vault.ts';

// The published vectors of the specification: https://github.com/fernet/spec
const KEY = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=';
const TOKEN = 'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==';
const SEALED_AT = Date.parse('1985-10-26T01:20:00-07:00') / 1000;
const INVALID: [string, string][] = [
  [
    'incorrect mac',
    'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ==',
  ],
  ['too short', 'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA=='],
  [
    'invalid base64',
    '%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==',
  ],
  [
    'payload size not a multiple of the block',
    'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm',
  ],
  [
    'payload padding error',
    'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw==',
  ],
  [
    'incorrect IV (causes padding error)',
    'gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ==',
  ],
];

describe('fernet', () => {
  it('writes the token of the specification', () => {
    const iv = Buffer.from([...Array(16).keys()]);
    expect(createFernet([KEY]).encrypt(Buffer.from('hello'), { now: SEALED_AT, iv })).to.equal(TOKEN);
  });

  it('reads the token of the specification within its time to live', () => {
    expect(
      createFernet([KEY])
        .decrypt(TOKEN, { now: SEALED_AT + 1, ttlSeconds: 60 })
        .toString(),
    ).to.equal('hello');
  });

  it('refuses a token that is too old or too far in the future', () => {
    expect(() => createFernet([KEY]).decrypt(TOKEN, { now: SEALED_AT + 61, ttlSeconds: 60 })).to.throw(FernetError);
    expect(() => createFernet([KEY]).decrypt(TOKEN, { now: SEALED_AT - 61, ttlSeconds: 60 })).to.throw(FernetError);
  });

  for (const [reason, token] of INVALID)
    it(`refuses a token with ${reason}`, () => {
      expect(() => createFernet([KEY]).decrypt(token)).to.throw(FernetError);
    });

  it('opens what an older key sealed, and seals with the first', () => {
    const [older, newer] = [generateFernetKey(), generateFernetKey()];
    const token = createFernet([older]).encrypt(Buffer.from('kept'));
    expect(createFernet([newer, older]).decrypt(token).toString()).to.equal('kept');
    const fresh = createFernet([newer, older]).encrypt(Buffer.from('new'));
    expect(() => createFernet([older]).decrypt(fresh)).to.throw(FernetError);
  });
});

describe('vault', () => {
  const vault = createVault([new Secret(generateFernetKey())]);

  it('gives back what it sealed, in the row it was sealed for', () => {
    const sealed = vault.seal('tök\0en', 'integration_credentials:1');
    expect(sealed).not.to.contain('tök');
    expect(vault.open(sealed, 'integration_credentials:1')).to.equal('tök\0en');
  });

  it('refuses ciphertext that was copied to another row', () => {
    const sealed = vault.seal('token', 'integration_credentials:1');
    expect(() => vault.open(sealed, 'integration_credentials:2')).to.throw(FernetError, 'another row');
  });

  it('refuses ciphertext with one flipped bit', () => {
    const bytes = Buffer.from(vault.seal('token', 'row'), 'base64url');
    bytes[30] = (bytes[30] ?? 0) ^ 1;
    const text = bytes.toString('base64url');
    expect(() => vault.open(text.padEnd(Math.ceil(text.length / 4) * 4, '='), 'row')).to.throw(FernetError);
  });
});
