import type { SearchQuery } from './index.ts';
import { ARM_DEPTH, seen, type Arm } from './postgres-visible.ts';

/** Lengths of vectors that have an approximate index on a server. */
const HNSW_DIMENSIONS = [1024, 1536, 3072];

/** Passages `id` by their `distance` from the query's vector, nearest first, at most as many as an arm gives. */
export type VectorArm = Arm & {
  /** It may find fewer passages than there are. */
  approximate: boolean;
};

/** Compares every visible vector. Undefined for a query without a direction. */
export function exactArm(visible: Arm, { embedding, embedderId }: SearchQuery): VectorArm | undefined {
  if (!embedding?.some((value) => value !== 0)) return undefined;
  // Fenced (offset 0): one document, one chunk, one vector after the other whatever the planner believes, and distances are sorted, no vectors.
  const sql = `
    select measured.id, min(measured.distance) as distance
    from (
      select c.id, e.embedding <=> cast(:embedding as vector) as distance
      from (select d.id from documents d where ${visible.sql} offset 0) as d
      cross join lateral (select c.id, c.text_hash from chunks c where c.document_id = d.id offset 0) as c
      cross join lateral (
        select e.embedding from chunk_embeddings e where e.text_hash = c.text_hash and ${sameKind(embedding, embedderId)} offset 0
      ) as e
      offset 0
    ) as measured
    group by measured.id order by distance, measured.id limit ${ARM_DEPTH}`;
  return { sql, bindings: { embedding: toVector(embedding), embedder: embedderId }, approximate: false };
}

/** What the approximate index is to be told before: it goes on until enough neighbours are visible, or so many vectors were looked at. */
export const approximateSettings = (scanUpTo: number): string =>
  `set local hnsw.ef_search = ${ARM_DEPTH}; set local hnsw.iterative_scan = relaxed_order;
   set local hnsw.max_scan_tuples = ${scanUpTo}`;

/** Asks the approximate index, which must have been told its settings. Undefined where there is none for vectors of this length. */
export function approximateArm(visible: Arm, { embedding, embedderId }: SearchQuery): VectorArm | undefined {
  const dimensions = embedding?.length ?? 0;
  if (!embedding?.some((value) => value !== 0) || !HNSW_DIMENSIONS.includes(dimensions)) return undefined;
  // The vector is bound once, since its text is the longest part of the statement.
  // A scalar subquery and no `exists`: with statistics the planner would join all chunks first and sort every vector.
  const sql = `
    select c.id, min(close.distance) as distance
    from (
      select e.text_hash, e.embedding::halfvec(${dimensions}) <=> cast(:embedding as halfvec(${dimensions})) as distance
      from chunk_embeddings e
      where ${sameKind(embedding, embedderId)} and (
        select true from chunks c where c.text_hash = e.text_hash and ${seen(visible)} limit 1
      )
      order by distance limit ${ARM_DEPTH}
    ) as close
    cross join lateral (select c.id, c.document_id from chunks c where c.text_hash = close.text_hash offset 0) as c
    where ${seen(visible)}
    group by c.id order by distance, c.id limit ${ARM_DEPTH}`;
  return { sql, bindings: { embedding: toHalfVector(embedding), embedder: embedderId }, approximate: true };
}

const sameKind = (embedding: Float32Array, embedderId: string | undefined): string =>
  `vector_dims(e.embedding) = ${embedding.length}${embedderId === undefined ? '' : ' and e.embedder = :embedder'}`;

/** pgvector's text form of what the approximate index compares: numbers of 11 bits, so five digits tell them. */
const toHalfVector = (embedding: Float32Array): string =>
  `[${Array.from(embedding, (value) => value.toPrecision(5)).join(',')}]`;

/** pgvector's text form. */
export function toVector(embedding: Float32Array): string {
  return `[${embedding.join(',')}]`;
}
