import { IDENTITY_PROVIDER_LABELS } from '../../providers/identity-provider.ts';
import type { Platform } from '../../providers/provider.ts';
import { platformLabel, plural, roleLabel } from '../format.ts';
import { AUDIT_ACTIONS, type AuditEntry } from './events.ts';

type Definitions = { id: Platform; label: string }[];

const LABELS: Record<string, string> = IDENTITY_PROVIDER_LABELS;
/** Why a sign-in failed. */
const REASONS: Record<string, string> = {
  disabled: 'disabled',
  unlinked: 'was unlinked',
  unverified: 'address not verified',
  not_linked: 'not linked',
  unknown: 'unknown address',
};

/** An entry as people read it, on the page and in the file. */
export function tellAudit(entry: AuditEntry, definitions: Definitions): { who: string; what: string; about: string } {
  return { who: whoOf(entry), what: AUDIT_ACTIONS[entry.action] ?? entry.action, about: aboutOf(entry, definitions) };
}

function whoOf({ actor }: AuditEntry): string {
  if (actor.kind === 'user') return actor.email ?? 'A user';
  return { stranger: 'Not signed in', operator: 'Command line', hub: 'The hub' }[actor.kind];
}

/** Whom or what it was done to, and what there is to know of it. */
function aboutOf(entry: AuditEntry, definitions: Definitions): string {
  const { action, actor, subject, details } = entry;
  const facts: string[] = [];
  const name = subject?.name;
  if (subject?.kind === 'integration' && name) facts.push(platformLabel(definitions, name as Platform));
  else if (name && name !== actor.email) facts.push(name);
  if (action === 'sign_in_failed')
    facts.push(REASONS[String(details.because)] ?? (name === undefined ? 'unknown address' : 'wrong password'));
  if (details.by !== undefined) facts.push(`by ${LABELS[String(details.by)] ?? String(details.by)}`);
  if (action === 'role_changed')
    facts.push(`from ${roleLabel(String(details.from))} to ${roleLabel(String(details.to))}`);
  else if (details.role !== undefined) facts.push(roleLabel(String(details.role)));
  if (details.sessions) facts.push(`${plural(Number(details.sessions), 'session')} ended`);
  if (details.count !== undefined) facts.push(plural(Number(details.count), 'session'));
  if (details.selected !== undefined) facts.push(`${plural(Number(details.selected), 'item')} selected`);
  if (details.answer !== undefined)
    facts.push(details.answer === 'keep' ? 'keep the documents' : 'remove the documents');
  if (details.kept) facts.push(`${plural(Number(details.kept), 'document')} kept`);
  if (details.deleted) facts.push(`${plural(Number(details.deleted), 'document')} deleted`);
  if (details.resealed !== undefined)
    facts.push(`${plural(Number(details.resealed), 'grant')} sealed anew, of ${Number(details.seen)}`);
  if (details.grants !== undefined) facts.push(plural(Number(details.grants), 'grant'));
  return facts.join(', ');
}
