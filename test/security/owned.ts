import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { Database } from '../../server/database/database.ts';
import { connectGoogle } from '../helpers/connect.ts';
import type { TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { startSsoHub } from '../helpers/sso.ts';
import { signInAs } from '../helpers/visitor.ts';

/** Ids of things that the admin owns. */
export type Owned = {
  integration: string;
  selection: string;
  import: string;
  item: string;
  document: string;
  token: string;
  notification: string;
  session: string;
  identity: string;
  ref: string;
};

export type OwnedHub = { hub: TestHub; owned: Owned; close(): Promise<void> };

/** A hub whose admin has one of everything: an account, an imported file with its original, a token, a notification, a linked identity. */
export async function startOwnedHub(database: Database): Promise<OwnedHub> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-files-'));
  await writeFile(path.join(folder, 'secret-note.txt'), 'The harbour opens at six.');
  const hub = await startSsoHub({ database, filesDir: folder, env: { KEEP_ORIGINALS: 'disk' } });
  const { integrations, browse, imports, syncs, documents, tokens } = hub.context;
  await connectGoogle(hub, hub.admin);
  const [integration] = await integrations.list(hub.admin);
  const { items } = await browse.list(hub.admin, integration?.id ?? '', {});
  const ref = items.find(({ name }) => name === 'My Drive')?.ref ?? '';
  const { id } = await imports.create(hub.admin, { items: [{ integrationId: integration?.id ?? '', ref }] });
  const done = await finishedImport(hub, id);
  const document = (await documents.list(hub.admin)).documents[0];
  const [selection] = await syncs.selections(hub.admin, integration?.id ?? '');
  const token = await tokens.create(hub.admin, { name: 'the owner’s script' });
  const { notifications } = await hub.context.notifications.list(hub.admin);
  await signInAs(hub.url, hub.admin.email);
  await hub.context.identities.link(hub.admin, {
    provider: 'google',
    subject: '1',
    email: 'sandbox@tributary.example',
    emailVerified: true,
    emailAuthoritative: true,
  });
  const owned: Owned = {
    integration: integration?.id ?? '',
    selection: selection?.id ?? '',
    import: id,
    item: done.items[0]?.id ?? '',
    document: document?.id ?? '',
    token: token.id,
    notification: notifications[0]?.id ?? '',
    session: (await hub.context.signIns.list(hub.admin))[0]?.id ?? '',
    identity: (await hub.context.identities.list(hub.admin))[0]?.id ?? '',
    ref: done.items[0] ? ref : '',
  };
  for (const [name, value] of Object.entries(owned)) expect(value, name).to.have.length.above(3);
  return {
    hub,
    owned,
    async close() {
      await hub.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The address with the owner's ids in it. */
export function addressOf(pattern: string, owned: Owned): string {
  const section =
    /\/(integrations|imports|documents|tokens|notifications|sessions|identities)\//.exec(pattern)?.[1] ?? '';
  const ids: Record<string, string> = {
    integrations: owned.integration,
    imports: owned.import,
    documents: owned.document,
    tokens: owned.token,
    notifications: owned.notification,
    sessions: owned.session,
    identities: owned.identity,
  };
  return pattern
    .replace(':platform', 'google_drive')
    .replace(':provider', 'google')
    .replace(':selectionId', owned.selection)
    .replace(/:(id|target)/, ids[section] ?? 'no-such-section');
}
