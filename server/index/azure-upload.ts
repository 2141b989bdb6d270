import { setImmediate } from 'node:timers/promises';
import type { AzureAction, AzureSearchClient } from './azure-client.ts';
import type { Passage } from './azure-passages.ts';
import { foldersOf } from './azure-query.ts';
import type { DocumentFacts } from './index.ts';
import { countTerms } from './terms.ts';

/** What one request holds: at most 1,000 actions and 16 MB (https://learn.microsoft.com/azure/search/search-limits-quotas-capacity), and less, since writing it down holds the event loop. */
const MOST_ACTIONS = 1000;
const MOST_BYTES = 4_000_000;
/** More mentions of a word in one passage say no more. */
const MOST_MENTIONS = 255;

const keyOf = (copy: string, ordinal: number): string => `${copy}_${ordinal}`;

type Target = { client: AzureSearchClient; copy: string; facts: DocumentFacts; signal: AbortSignal };

/** Uploads passages under a copy's id. `onBatch` is awaited after each request. Gives whether all of them had a vector. */
export async function uploadPassages(
  target: Target,
  pieces: AsyncIterable<Passage[]>,
  onBatch: () => Promise<void>,
): Promise<{ hasVectors: boolean }> {
  let hasVectors = true;
  await send(target, pieces, onBatch, (passage) => {
    if (!passage.vector) hasVectors = false;
    return {
      ...changing(target, passage),
      __actionType: 'upload',
      copy: target.copy,
      ordinal: passage.ordinal,
      userId: target.facts.userId,
      platform: target.facts.platform,
      content: clean(passage.text),
      vector: passage.vector && toAzureVector(passage.vector),
    };
  });
  return { hasVectors };
}

/** Tells the index what a document is called now and where it stands. Gives the keys of passages that are not there. */
export function mergePassages(
  target: Target,
  pieces: AsyncIterable<Passage[]>,
  onBatch: () => Promise<void>,
): Promise<string[]> {
  return send(target, pieces, onBatch, (passage) => ({ ...changing(target, passage), __actionType: 'merge' }));
}

/** Removes a copy. What is not there is no error. */
export async function removePassages(
  client: AzureSearchClient,
  copy: string,
  passages: number,
  signal: AbortSignal,
): Promise<void> {
  for (let start = 0; start < passages; start += MOST_ACTIONS) {
    const count = Math.min(MOST_ACTIONS, passages - start);
    await client.write(
      Array.from({ length: count }, (_, at) => ({ __actionType: 'delete', id: keyOf(copy, start + at) })),
      signal,
    );
  }
}

async function send(
  { client, signal }: Target,
  pieces: AsyncIterable<Passage[]>,
  onBatch: () => Promise<void>,
  toAction: (passage: Passage) => AzureAction,
): Promise<string[]> {
  const missing: string[] = [];
  let batch: AzureAction[] = [];
  let bytes = 0;
  const flush = async () => {
    missing.push(...(await client.write(batch, signal)).missing);
    [batch, bytes] = [[], 0];
    await onBatch();
  };
  for await (const passages of pieces)
    for (const passage of passages) {
      const action = toAction(passage);
      const size = sizeOf(action);
      if (batch.length === MOST_ACTIONS || (batch.length > 0 && bytes + size > MOST_BYTES)) await flush();
      batch.push(action);
      bytes += size;
      if (batch.length % 32 === 0) await setImmediate();
    }
  if (batch.length > 0) await flush();
  return missing;
}

/** The fields that may change of a document that is indexed. */
function changing({ copy, facts }: Target, { ordinal, embedText }: Passage): AzureAction {
  const terms: string[] = [];
  for (const [term, count] of countTerms(embedText))
    for (let mention = 0; mention < Math.min(count, MOST_MENTIONS); mention += 1) terms.push(term);
  return {
    __actionType: 'merge',
    id: keyOf(copy, ordinal),
    category: facts.category ?? null,
    integrationId: facts.integrationId ?? null,
    folders: foldersOf(facts.path).map(clean),
    modifiedAt: facts.modifiedAt?.toISOString() ?? null,
    title: clean(facts.title),
    terms: clean(terms.join(' ')),
  };
}

/** An upper bound: a character takes six bytes at the most, a number of a vector twelve. */
function sizeOf(action: AzureAction): number {
  let bytes = 200;
  for (const value of Object.values(action))
    if (typeof value === 'string') bytes += 6 * value.length + 20;
    else if (Array.isArray(value))
      for (const entry of value as unknown[]) bytes += typeof entry === 'string' ? 6 * entry.length + 4 : 13;
  return bytes;
}

/** Eight places are more than a 32-bit number of unit length means. A vector without direction has no angle to compare. */
function toAzureVector(vector: number[]): number[] | null {
  return vector.some((value) => value !== 0) ? vector.map((value) => Math.round(value * 1e8) / 1e8) : null;
}

/** What neither JSON nor the database can hold. */
const clean = (text: string): string => text.replaceAll(/[\0\p{Surrogate}]/gu, '');
