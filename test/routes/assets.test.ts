import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { asset, siteFolder } from '../../server/views.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';

const KB = 1024;
const scripts = readdirSync(siteFolder('public')).filter((name) => name.endsWith('.js'));

onOneDatabase('styles and scripts', (open) => {
  let hub: TestHub;
  before(async () => {
    hub = await startHub({ database: await open() });
  });
  after(() => hub.close());

  const load = async (name: string) => {
    const response = await fetch(new URL(asset(name), hub.url));
    expect(response.status, name).to.equal(200);
    expect(response.headers.get('cache-control'), name).to.equal('public, max-age=31536000, immutable');
    return response.text();
  };

  it('are small, and kept by browsers until they change', async () => {
    const css = await load('app.css');
    expect(css.length)
      .to.be.greaterThan(10 * KB)
      .and.lessThan(40 * KB);
    let size = 0;
    for (const name of scripts) size += (await load(name)).length;
    expect(size)
      .to.be.greaterThan(KB)
      .and.lessThan(30 * KB);
  });

  it('say the same as the files that are edited, without their comments and indents', async () => {
    const bare = (css: string) => css.replaceAll(/\/\*.*?\*\//gs, '').replaceAll(/\s/g, '');
    // As a parser reads it: what stands in strings and templates is no comment and no indent to it.
    const compilerOptions = { target: ScriptTarget.ESNext, module: ModuleKind.ESNext, removeComments: true };
    const parsed = (script: string) => transpileModule(script, { compilerOptions }).outputText;
    for (const name of ['app.css', ...scripts]) {
      const sent = await load(name);
      expect(sent, name).to.not.match(/^\s*(?:\/\*|\/\/)|\n\s/m);
      const source = readFileSync(path.join(siteFolder('public'), name), 'utf8');
      const same = name.endsWith('.css') ? bare : parsed;
      expect(same(sent), name).to.equal(same(source));
    }
  });
});
