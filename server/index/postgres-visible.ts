import type { SearchQuery } from './index.ts';
import { ownerTerm, toTsquery } from './terms.ts';

/** A piece of a statement and what it binds, by name. */
export type Arm = { sql: string; bindings: Record<string, unknown> };

/** Passages each arm hands to the fusion. */
export const ARM_DEPTH = 100;

/**
 * The condition on documents `d` that every part of a search carries. `marked`: the owner's term is asked for beside a passage's words, which
 * spares a server the chunks of others.
 */
export function visibleTo(query: SearchQuery, { marked }: { marked: boolean }): Arm {
  const conditions = ['d.user_id = :user'];
  const bindings: Record<string, unknown> = { user: query.userId };
  const only = (condition: string, name: string, value: unknown): void => {
    if (value === undefined) return;
    conditions.push(condition);
    // Postgres' text cannot hold the character NUL.
    bindings[name] = typeof value === 'string' ? value.replaceAll('\0', '') : value;
  };
  if (marked) bindings.owner = toTsquery([ownerTerm(query.userId)]);
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
 * Chunks `c` that match a tsquery and belong to visible documents. On a server the owner's term is asked for as well, so that the
 * inverted index passes over other users' chunks; whose they are is still decided by the document. That is a scalar subquery and
 * no join: without statistics the planner takes every user for one with a single document, and asks the inverted index again for
 * each document there is. Few passages, such as a narrow filter leaves, are read one by one instead of passing over all that it does not let through.
 */
export function matching(visible: Arm, tsquery: string, few: boolean): string {
  if (few)
    return `(select d.id from documents d where ${visible.sql} offset 0) as d
      cross join lateral (select c.id, c.term_count, c.terms from chunks c where c.document_id = d.id offset 0) as c
      where c.terms @@ ${tsquery}`;
  const asked = 'owner' in visible.bindings ? `(cast(:owner as tsquery) && ${tsquery})` : tsquery;
  return `chunks c where c.terms @@ ${asked} and ${seen(visible)}`;
}
