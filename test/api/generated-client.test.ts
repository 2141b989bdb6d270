import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';
import ts from 'typescript';
import { root } from '../docs/markdown.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { PROGRAM } from './client-program.ts';

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts'],
  types: ['node'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
};

onOneDatabase('a client that is generated from the description of the API', (open) => {
  let hub: TestHub;
  let files: string;
  let folder: string;
  before(async () => {
    files = await mkdtemp(path.join(os.tmpdir(), 'tributary-files-'));
    await writeFile(path.join(files, 'harbour.md'), '# Harbour\n\nThe harbour opens at six and closes at nine.\n');
    await writeFile(path.join(files, 'fares.csv'), 'route,fare\nnorth,12\nsouth,14\n');
    hub = await startHub({ database: await open(), filesDir: files });
    await connectGoogle(hub, hub.admin);
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-client-'));
    await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
    await writeFile(path.join(folder, 'package.json'), '{ "type": "module" }');
    const description = (await (await fetch(`${hub.url}/openapi.json`)).json()) as OpenAPI3;
    // What has a default may be left out of a request.
    const types = await openapiTS(description, { defaultNonNullable: false });
    await writeFile(path.join(folder, 'schema.d.ts'), astToString(types));
  });
  after(async () => {
    await hub?.close();
    for (const made of [files, folder]) if (made) await rm(made, { recursive: true });
  });

  /** Compiles programs beside the generated types, each with what is wrong with it. */
  async function compile(programs: Record<string, string>): Promise<Record<string, string[]>> {
    const names = Object.keys(programs);
    for (const name of names) await writeFile(path.join(folder, `${name}.ts`), programs[name] ?? '');
    const program = ts.createProgram(
      names.map((name) => path.join(folder, `${name}.ts`)),
      OPTIONS,
    );
    const wrong = ts.getPreEmitDiagnostics(program);
    program.emit();
    return Object.fromEntries(
      names.map((name) => [
        name,
        wrong
          .filter(({ file }) => file === undefined || path.basename(file.fileName) === `${name}.ts`)
          .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
      ]),
    );
  }

  /** The program with one place of it written otherwise. */
  function otherwise(written: string, wrong: string): string {
    expect(PROGRAM).to.include(written);
    return PROGRAM.replace(written, wrong);
  }

  it('is typed strictly, and takes the main path through a hub', async () => {
    const wrong = await compile({
      main: PROGRAM,
      answer: otherwise('document.text', 'document.content'),
      request: otherwise('fileIds: files', 'files: files'),
      value: otherwise('limit: 3', "limit: 'three'"),
      query: otherwise("q: 'harbour'", "platform: 'fax'"),
      call: otherwise("hub.POST('/ask'", "hub.POST('/questions'"),
      missing: otherwise("body: { question: 'When does the harbour open?' }", 'body: {}'),
    });
    expect(wrong.main).to.deep.equal([]);
    expect(wrong.answer?.join()).to.match(/'content' does not exist/);
    expect(wrong.request?.join()).to.match(/'files' does not exist/);
    expect(wrong.value?.join()).to.match(/'string' is not assignable to type 'number/);
    expect(wrong.query?.join()).to.match(/"fax"' is not assignable/);
    expect(wrong.call?.join()).to.include('"/questions"');
    expect(wrong.missing?.join()).to.match(/'question' is missing/);

    const { run } = (await import(pathToFileURL(path.join(folder, 'main.js')).href)) as {
      run: (baseUrl: string, token: string) => Promise<Record<string, unknown>>;
    };
    const done = await run(`${hub.url}/api/v1`, await hub.token(hub.admin));
    expect(done).to.deep.include({
      platform: 'google_drive',
      chunks: [1, 1],
      rows: ['indexed', 'indexed'],
      passage: ['Harbour'],
      result: 'harbour.md',
      cited: [done.document],
      deleted: 204,
      gone: 'not_found',
    });
    expect((done.files as string[]).sort()).to.deep.equal(['fares.csv', 'harbour.md']);
    expect(done.counts).to.include({ total: 2, indexed: 2 });
    expect(done.text).to.include('opens at six');
    expect((await hub.context.documents.facets(hub.admin)).total).to.equal(1);
  });
});
