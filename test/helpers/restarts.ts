import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Env } from '../../server/config.ts';
import type { Database } from '../../server/database/database.ts';
import { findSearchEmbedder, type SearchEmbedder } from '../../server/index/search-embedder.ts';
import type { ImportDetail } from '../../server/services/import-service.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { startHub, type TestHub } from './hub.ts';
import { importDrive } from './imports.ts';
import { startOpenAiServer, type OpenAiServer } from './openai-server.ts';
import { waitFor } from './wait.ts';

export const LEXICAL = 'lexical-1024-v1';
export const FILES = ['boats', 'piers', 'crews'];
const SECTIONS = 200;
export const PASSAGES = SECTIONS * FILES.length;

/** A hub that is started again and again on one database, with a model's server beside it and three files of two hundred passages each. */
export type Restarts = {
  database: Database;
  folder: string;
  openai: OpenAiServer;
  start(env?: Env): Promise<TestHub>;
  stop(hub: TestHub): Promise<void>;
  /** Imports all files, by an account that is connected for it. */
  importAll(hub: TestHub): Promise<ImportDetail>;
  /** A hub that has imported everything with these variables, and stopped. */
  imported(env?: Env): Promise<void>;
  state(): Promise<SearchEmbedder>;
  /** Waits until searches compare with this embedder's vectors. */
  active(id: string): Promise<void>;
  vectorsOf(embedder: string): Promise<number>;
  /** As if the time had come to look again. */
  asIfLater(): Promise<void>;
  close(): Promise<void>;
};

export async function openRestarts(database: Database): Promise<Restarts> {
  const secrets = { INTEGRATION_ENCRYPTION_KEY: generateFernetKey(), SESSION_SECRET: 'a secret of every start' };
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-files-'));
  for (const name of FILES) await writeFile(path.join(folder, `${name}.md`), reportOf(name));
  const openai = await startOpenAiServer();
  const hubs = new Set<TestHub>();
  const { knex } = database;

  const restarts: Restarts = {
    database,
    folder,
    openai,
    async start(env = {}) {
      const kept = { ...database, close: async () => undefined };
      const hub = await startHub({ database: kept, filesDir: folder, env: { ...secrets, ...env } });
      hubs.add(hub);
      return hub;
    },
    async stop(hub) {
      hubs.delete(hub);
      await hub.close();
    },
    importAll: async (hub) => (await importDrive(hub)).detail,
    async imported(env) {
      const hub = await restarts.start(env);
      const { counts } = await restarts.importAll(hub);
      if (counts.indexed !== counts.total) throw new Error(`not all was imported: ${JSON.stringify(counts)}`);
      await restarts.stop(hub);
    },
    async state() {
      const found = await findSearchEmbedder(knex);
      if (!found) throw new Error('no embedder is active');
      return found;
    },
    async active(id) {
      await waitFor(`${id} to be active`, async () => (await restarts.state()).active === id, 60_000);
    },
    async vectorsOf(embedder) {
      return Number((await knex('chunk_embeddings').where({ embedder }).count('* as count').first())?.count);
    },
    async asIfLater() {
      await knex('search_embedder').update({ due_at: knex.fn.now() });
    },
    async close() {
      openai.gate = undefined;
      for (const hub of hubs) await hub.close();
      await openai.close();
      await database.close();
      await rm(folder, { recursive: true });
    },
  };
  return restarts;
}

export const reportOf = (name: string): string =>
  Array.from({ length: SECTIONS }, (_, n) => `# Section ${n}\n\nThe harbourmaster inspected ${name} number ${n}.`).join(
    '\n\n',
  );

/** The id of a model's embedder. */
export const idOf = ({ url, dimensions }: OpenAiServer, model = 'stand-in-embeddings'): string =>
  `${new URL(url).host}/${model}/${dimensions}`;

/** Requests for passages wait until the function that it gives is called, after so many that do not; queries never do. */
export function holdPassages(openai: OpenAiServer, after = 0): () => void {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const before = openai.requests.length;
  openai.gate = ({ inputs }) => (inputs.length > 1 && openai.requests.length - before > after ? held : undefined);
  return () => {
    openai.gate = undefined;
    release();
  };
}

/** What a search by meaning alone finds, and what it says of itself. */
export async function byMeaning(hub: TestHub, query: string): Promise<{ texts: string[]; notice?: string }> {
  let notice: string | undefined;
  const onWordsOnly = (sentence: string) => (notice = sentence);
  const results = await hub.context.search.search(hub.admin, { query, mode: 'semantic', onWordsOnly });
  return { texts: results.map(({ text }) => text), notice };
}
