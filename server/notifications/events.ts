import type { Platform } from '../../providers/provider.ts';
import type { ImportCounts, ImportKind, ImportStatus } from '../services/import-service.ts';

/** An account as it was called when the event happened. */
type AccountPayload = { platform: Platform; account: string };

/** What is told of each event beside the ids of its subject. It goes to mails and webhooks: no secrets, no texts or names of documents. */
export type EventPayloads = {
  'import.finished': Partial<AccountPayload> & {
    kind: ImportKind;
    status: Exclude<ImportStatus, 'running'>;
    counts: ImportCounts;
    /** Why it failed as a whole: a sentence. */
    problem?: string;
  };
  'sync.held': AccountPayload & {
    /** Documents that it would remove, of how many that are followed. */
    count: number;
    of: number;
  };
  'integration.needs_reconnect': AccountPayload & { detail?: string };
  'integration.missing_scope': AccountPayload & { detail?: string };
  'notification.test': Record<never, never>;
};

export type EventName = keyof EventPayloads;

/** Where people are told beside the pages of the hub. */
export const CHANNELS = ['mail', 'webhook'] as const;
export type Channel = (typeof CHANNELS)[number];

type EventRule<E extends EventName> = {
  /** Whether a person should act: it stands above every page until its cause is gone, and is worth a mail. */
  stands(payload: EventPayloads[E]): boolean;
};

/** The one table of what is told. Webhooks are told of every row. */
export const EVENTS: { [E in EventName]: EventRule<E> } = {
  /** An import or sync came to its end. Stands until what failed was tried again with success, or a later sync has put it right. */
  'import.finished': {
    stands: ({ status, counts }) => status === 'failed' || (status === 'finished' && counts.failed > 0),
  },
  /** A sync asks before it removes documents. Stands until it is answered. */
  'sync.held': { stands: () => true },
  /** A grant is dead. Stands until the account is reconnected or disconnected. */
  'integration.needs_reconnect': { stands: () => true },
  /** A permission is missing. Stands likewise. */
  'integration.missing_scope': { stands: () => true },
  /** An admin tries a channel. */
  'notification.test': { stands: () => false },
};

/** Whether an end is worth telling: a sync that found everything as it was is not. */
export function isNews({ kind, status, counts }: EventPayloads['import.finished']): boolean {
  return kind === 'import' || status !== 'finished' || counts.indexed + counts.removed + counts.failed > 0;
}

/** What is known of a notification wherever it is told; `E` is one event, or any. */
export type NotificationOf<E extends EventName> = E extends EventName
  ? {
      id: string;
      userId: string;
      event: E;
      payload: EventPayloads[E];
      /** Absent where the event has none, or where it is gone. */
      integrationId?: string;
      importId?: string;
      createdAt: Date;
      resolvedAt?: Date;
      dismissedAt?: Date;
    }
  : never;

export type Notification = NotificationOf<EventName>;
