import { LEXICAL_ID } from './lexical.ts';

/** What the id of a model's embedder says. */
export type ModelId = { host: string; model: string; dimensions: number };

export const toEmbedderId = ({ host, model, dimensions }: ModelId): string => `${host}/${model}/${dimensions}`;

/** The model that an embedder's id names; undefined for the built-in one. A model's name may have slashes in it. */
export function readEmbedderId(id: string): ModelId | undefined {
  const [, host, model, dimensions] = /^([^/]+)\/(.+)\/(\d+)$/.exec(id) ?? [];
  return host === undefined || model === undefined ? undefined : { host, model, dimensions: Number(dimensions) };
}

/** An embedder as pages and logs name it: "the built-in embedder", "text-embedding-3-small at api.openai.com (1,536 numbers)". */
export function nameEmbedder(id: string): string {
  const read = readEmbedderId(id);
  if (read) return `${read.model} at ${read.host} (${read.dimensions.toLocaleString('en')} numbers)`;
  return id === LEXICAL_ID ? 'the built-in embedder' : id;
}
