import type { SearchQuery } from './index.ts';
import { ownerTerm, toTsquery } from './terms.ts';

/** A piece of a statement and what it binds, by name. */
export type Arm = { sql: string; bindings: Record<string, unknown> };

/** Passages each arm hands to the fusion. */
export const ARM_DEPTH = 100;

/** The condition on documents `d` that every part of a search carries. `owner` is bound beside it, for `matching`. */
export function visibleTo(query: SearchQuery): Arm {
  const conditions = ['d.user_id = :user'];
  const bindings: Record<string, unknown> = { user: query.userId, owner: toTsquery([ownerTerm(query.userId)]) };
  const only = (condition: string, name: string, value: unknown): void => {
    if (value === undefined) return;
    conditions.push(condition);
    // Postgres' text cannot hold the character NUL.
    bindings[name] = typeof value === 'string' ? value.replaceAll('\0', '') : value;
  };
  only('d.platform = :platform', 'platform', query.platform);
  only('d.category = :category', 'category', query.category);
  only('d.integration_id = :integration', 'integration', query.integrationId);
  // No pattern: in names of folders `%` and `_` are letters as any other.
  only("(d.path = :folder or starts_with(d.path, cast(:folder as text) || '/'))", 'folder', query.folder);
  only('d.modified_at >= :modifiedFrom', 'modifiedFrom', query.modifiedFrom);
  only('d.modified_at <= :modifiedTo', 'modifiedTo', query.modifiedTo);
  return { sql: conditions.join(' and '), bindings };
}

/**
 * Whether a chunk `c` is visible. A scalar subquery and no join, so that it is asked for the chunks at hand: without statistics the planner
 * takes every user for one with a single document, and begins with all documents.
 */
export const seen = (visible: Arm): string => `(select ${visible.sql} from documents d where d.id = c.document_id)`;

/**
 * How chunks that match a tsquery are found: `each` visible one is read, which is quickest for few; by the inverted index; or by it among
 * those that bear the `owner`'s term, which passes over other users' chunks, but takes as long as the owner has many.
 */
export type Lookup = 'each' | 'index' | 'owner';

/**
 * Chunks `c` that match a tsquery and belong to visible documents. Whose they are is decided by the document, in a scalar subquery and no
 * join: without statistics the planner takes every user for one with a single document, and asks the inverted index again for each
 * document there is.
 */
export function matching(visible: Arm, tsquery: string, lookup: Lookup): string {
  if (lookup === 'each')
    return `(select d.id from documents d where ${visible.sql} offset 0) as d
      cross join lateral (select c.id, c.term_count, c.terms from chunks c where c.document_id = d.id offset 0) as c
      where c.terms @@ ${tsquery}`;
  const asked = lookup === 'owner' ? `(cast(:owner as tsquery) && ${tsquery})` : tsquery;
  return `chunks c where c.terms @@ ${asked} and ${seen(visible)}`;
}
