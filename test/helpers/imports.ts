import { expect } from 'chai';
import type { Integration } from '../../server/services/integration-service.ts';
import type { ImportDetail } from '../../server/services/import-service.ts';
import { connectGoogle } from './connect.ts';
import type { TestHub } from './hub.ts';
import { waitFor } from './wait.ts';

/** The admin's import once it has ended, with the first page of its ledger. Whatever it was, its rows are as many as the items that were listed. */
export async function finishedImport(hub: TestHub, id: string, timeoutMs = 60_000): Promise<ImportDetail> {
  const { knex } = hub.context.database;
  // One row is asked for, so that waiting does not slow what is waited for.
  const isOver = async () => (await knex('imports').where({ id }).whereNotNull('finished_at').first('id')) && true;
  await waitFor('the import to finish', isOver, timeoutMs);
  const detail = await hub.context.imports.get(hub.admin, id);
  expect(detail.mismatch).to.equal(undefined);
  return detail;
}

/** Connects the admin's Google account and imports all of its drive. */
export async function importDrive(
  hub: TestHub,
  timeoutMs = 90_000,
): Promise<{ integration: Integration; detail: ImportDetail }> {
  const integration = await connectGoogle(hub, hub.admin);
  const { items } = await hub.context.browse.list(hub.admin, integration.id, {});
  const ref = items.find(({ name }) => name === 'My Drive')?.ref ?? '';
  const { id } = await hub.context.imports.create(hub.admin, {
    items: [{ integrationId: integration.id, ref }],
    recursive: true,
  });
  return { integration, detail: await finishedImport(hub, id, timeoutMs) };
}
