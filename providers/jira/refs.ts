import { CLOUD_ID } from '../atlassian/sites.ts';
import { ProviderError } from '../errors.ts';

/**
 * What an item ref says. `cloudId` names the site and is absent in connections by token, which have one site only. Things go by their number,
 * which stays when an issue is moved to another project or a project gets another key.
 * - `query`: all that a query in JQL finds
 */
export type Ref = { cloudId?: string } & (
  | { kind: 'site' }
  | { kind: 'project'; id: string }
  | { kind: 'issue'; id: string }
  | { kind: 'attachment'; issueId: string; id: string }
  | { kind: 'query'; jql: string }
);

const ID = /^\d{1,20}$/;
/** Stands where a ref names no site. */
const NO_CLOUD = '-';
/** Longer ones would not fit into an address of ours. */
export const MAX_JQL = 2000;

/** The same item always gets the same ref, however it was found. */
export function formatRef(ref: Ref): string {
  const parts = [ref.kind, ref.cloudId ?? NO_CLOUD];
  if (ref.kind === 'attachment') parts.push(ref.issueId);
  if (ref.kind === 'query') parts.push(encodeURIComponent(ref.jql));
  else if (ref.kind !== 'site') parts.push(ref.id);
  return parts.join('/');
}

/** Errors: ProviderError `gone` for anything this provider has not made. */
export function parseRef(text: string): Ref {
  const [kind, cloud = '', first = '', second = '', ...rest] = text.split('/');
  const cloudId = cloud === NO_CLOUD ? undefined : cloud;
  const parts = text.split('/').length - 2;
  if (rest.length === 0 && CLOUD_ID.test(cloud)) {
    if (kind === 'site' && parts === 0 && cloudId !== undefined) return { kind, cloudId };
    if (kind === 'project' && parts === 1 && ID.test(first)) return { kind, cloudId, id: first };
    if (kind === 'issue' && parts === 1 && ID.test(first)) return { kind, cloudId, id: first };
    if (kind === 'attachment' && parts === 2 && ID.test(first) && ID.test(second))
      return { kind, cloudId, issueId: first, id: second };
    const jql = kind === 'query' && parts === 1 ? decode(first) : undefined;
    if (jql) return { kind: 'query', cloudId, jql };
  }
  throw gone();
}

export const gone = (): ProviderError => new ProviderError('gone', 'jira', 'There is no such item in Jira.');

function decode(part: string): string | undefined {
  try {
    const jql = decodeURIComponent(part);
    return jql.length <= MAX_JQL && encodeURIComponent(jql) === part ? jql : undefined;
  } catch {
    return undefined;
  }
}
