import type { Platform } from '../../providers/provider.ts';
import { formatCount, platformLabel, plural } from '../format.ts';
import { paths } from '../paths.ts';
import type { ImportCounts } from '../services/import-service.ts';
import type { EventPayloads, Notification } from './events.ts';

/** A notification as people read it. */
export type Told = {
  /** One sentence; also the subject of a mail, without its full stop. */
  text: string;
  /** What more there is to know, and what to do: sentences, may be empty. */
  detail: string;
  /** Where to go; absent where that is gone. */
  link?: { href: string; label: string };
};

type Definitions = { id: Platform; label: string }[];

/** What an event says, in the same words on every channel. */
export function tell(notification: Notification, definitions: Definitions): Told {
  const { integrationId } = notification;
  const reconnect = integrationId && { href: paths.integration(integrationId), label: 'Reconnect' };
  switch (notification.event) {
    case 'import.finished':
      return tellEnd(notification.payload, notification.importId, definitions);
    case 'sync.held': {
      const { count, of } = notification.payload;
      return {
        text: `A sync of ${accountName(notification.payload, definitions)} asks before it removes ${plural(count, 'document')}.`,
        detail: `That is ${formatCount(count)} of ${formatCount(of)}. Nothing is removed until you have answered.`,
        link: linkToImport(notification.importId, 'Answer'),
      };
    }
    case 'integration.needs_reconnect':
      return {
        text: `${accountName(notification.payload, definitions)} needs to be reconnected.`,
        detail: joined(
          notification.payload.detail,
          'Imports and syncs of this account wait until then; nothing that was imported is lost.',
        ),
        link: reconnect || undefined,
      };
    case 'integration.missing_scope':
      return {
        text: `A permission of ${accountName(notification.payload, definitions)} is missing.`,
        detail: joined(
          notification.payload.detail,
          'Reconnect the account and leave every permission ticked; nothing that was imported is lost.',
        ),
        link: reconnect || undefined,
      };
    case 'notification.test':
      return {
        text: 'This is a test of the notifications of Tributary.',
        detail: 'It was sent by hand. When you can read it, they arrive.',
      };
  }
}

function tellEnd(
  { kind, status, counts, problem, ...account }: EventPayloads['import.finished'],
  importId: string | undefined,
  definitions: Definitions,
): Told {
  const what = kind === 'import' ? 'An import' : `The sync of ${accountName(account, definitions)}`;
  if (status === 'failed')
    return { text: `${what} failed.`, detail: joined(problem, outcomeText(counts)), link: linkToImport(importId) };
  if (status === 'cancelled')
    return { text: `${what} was cancelled.`, detail: outcomeText(counts), link: linkToImport(importId) };
  if (counts.failed > 0)
    return {
      text: `${plural(counts.failed, 'item')} of ${kind === 'import' ? 'an import' : `the sync of ${accountName(account, definitions)}`} failed.`,
      detail: `${outcomeText(counts)} The page of the ${kind} gives the reason of each, and tries them again.`,
      link: linkToImport(importId, 'See which', 'failed'),
    };
  return { text: `${what} is finished.`, detail: outcomeText(counts), link: linkToImport(importId) };
}

const linkToImport = (id: string | undefined, label = 'Show', state?: string) =>
  id === undefined ? undefined : { href: paths.import(id, { state }), label };

/** "Google Drive (ada@example.com)". */
const accountName = ({ platform, account }: { platform?: Platform; account?: string }, definitions: Definitions) =>
  platform && account ? `${platformLabel(definitions, platform)} (${account})` : 'an account';

const TOLD_STATES = ['indexed', 'unchanged', 'skipped', 'failed', 'removed'] as const;

/** "12 indexed, 1 skipped.": nothing where nothing came of it. */
function outcomeText(counts: ImportCounts): string {
  const parts = TOLD_STATES.filter((state) => counts[state] > 0).map(
    (state) => `${formatCount(counts[state])} ${state}`,
  );
  return parts.length === 0 ? '' : `${parts.join(', ')}.`;
}

const joined = (...sentences: (string | undefined)[]): string => sentences.filter(Boolean).join(' ');
