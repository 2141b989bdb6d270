import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { loadDotEnv } from '../../server/dot-env.ts';

describe('the .env file', () => {
  const names = ['TRIBUTARY_TEST_NEW', 'TRIBUTARY_TEST_SET'];
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'tributary-env-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
    for (const name of names) delete process.env[name];
  });

  it('sets what is not set and leaves what is', () => {
    const file = path.join(folder, '.env');
    writeFileSync(file, 'TRIBUTARY_TEST_NEW="from the file"\nTRIBUTARY_TEST_SET=from the file\n');
    process.env.TRIBUTARY_TEST_SET = 'from outside';
    loadDotEnv(file);
    expect(names.map((name) => process.env[name])).to.deep.equal(['from the file', 'from outside']);
  });

  it('may be absent', () => {
    expect(() => loadDotEnv(path.join(folder, '.env'))).not.to.throw();
  });
});
