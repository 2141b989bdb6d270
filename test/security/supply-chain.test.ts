import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { root } from '../docs/markdown.ts';

type Locked = {
  /** Where it stands in another one's place. */
  name?: string;
  version?: string;
  license?: string;
  integrity?: string;
  dev?: boolean;
  hasInstallScript?: boolean;
};
type Manifest = {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  scripts: Record<string, string>;
};

const read = <T>(file: string): T => JSON.parse(readFileSync(path.join(root, file), 'utf8')) as T;
const PERMISSIVE = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSD',
  '0BSD',
  'BlueOak-1.0.0',
  '(MIT OR CC0-1.0)',
]);

describe('what the hub is made of', function () {
  this.timeout(60_000);
  const manifest = read<Manifest>('package.json');
  const locked = Object.entries(read<{ packages: Record<string, Locked> }>('package-lock.json').packages).filter(
    ([place]) => place !== '',
  );
  const shipped = locked.filter(([, { dev }]) => !dev);

  it('is pinned to single versions, each of whose contents is known', () => {
    const wanted = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(wanted.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).to.deep.equal([]);
    expect(shipped.length).to.be.above(200);
    expect(
      locked.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([place]) => place),
    ).to.deep.equal([]);
  });

  it('runs nothing when it is installed', () => {
    expect(shipped.filter(([, { hasInstallScript }]) => hasInstallScript).map(([place]) => place)).to.deep.equal([]);
    expect(Object.keys(manifest.scripts).filter((name) => /install|prepare/.test(name))).to.deep.equal([]);
  });

  it('may be used and passed on', () => {
    const doubtful = shipped.filter(([place, { license }]) => !PERMISSIVE.has(license ?? licenceIn(place)));
    expect(doubtful.map(([place, { license }]) => `${place}: ${license ?? 'unknown'}`)).to.deep.equal([]);
  });

  it('is listed by npm run sbom, package by package', () => {
    const { scripts } = manifest;
    expect(scripts.sbom).to.be.a('string');
    const made = spawnSync(scripts.sbom ?? '', { cwd: root, shell: true, encoding: 'utf8', maxBuffer: 64 * 1_048_576 });
    const { bomFormat, components } = JSON.parse(made.stdout) as {
      bomFormat: string;
      components: { version: string; purl: string }[];
    };
    expect(bomFormat).to.equal('CycloneDX');
    const listed = new Set(components.map(({ purl }) => decodeURIComponent(purl.replace('pkg:npm/', ''))));
    const all = locked.map(([place, { name, version }]) => `${name ?? place.split('node_modules/').pop()}@${version}`);
    expect([...listed]).to.have.members([...new Set(all)]);
  });
});

/** Of the few packages whose manifest names none: what the text of their licence is. */
function licenceIn(place: string): string {
  const folder = path.join(root, place);
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  const text = [file, 'README.md', 'Readme.md']
    .map((name) => (name && readdirSync(folder).includes(name) ? readFileSync(path.join(folder, name), 'utf8') : ''))
    .join('\n');
  return /Permission is hereby granted, free of charge/.test(text) || /^MIT$/m.test(text) ? 'MIT' : 'unknown';
}
