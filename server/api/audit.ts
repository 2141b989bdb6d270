import { z } from 'zod';
import { AUDIT_ACTIONS, type AuditAction, type AuditEntry } from '../audit/events.ts';
import type { Context } from '../context.ts';
import { createApiRouter, type ApiRouter } from './call.ts';
import { instant } from './filter-schemas.ts';

const ACTIONS = Object.keys(AUDIT_ACTIONS) as [AuditAction, ...AuditAction[]];
const time = instant.transform((value) => new Date(value));

export const auditQuery = z.object({
  who: z.string().trim().max(254, 'must have at most 254 characters').optional(),
  action: z.enum(ACTIONS, { error: `must be one of ${ACTIONS.join(', ')}` }).optional(),
  since: time.optional(),
  until: time.optional(),
  cursor: z.string().max(2000).optional(),
});

export const auditAnswer = z.strictObject({
  events: z.array(
    z.strictObject({
      id: z.string(),
      at: z.iso.datetime(),
      action: z.enum(ACTIONS),
      actor: z.strictObject({
        kind: z.enum(['user', 'stranger', 'operator', 'hub']),
        id: z.uuid().nullable(),
        email: z.string().nullable(),
      }),
      subject: z.strictObject({ kind: z.string(), id: z.string().nullable(), name: z.string().nullable() }).nullable(),
      details: z.record(z.string(), z.union([z.string(), z.number()])),
      address: z.string().nullable(),
      userAgent: z.string().nullable(),
      requestId: z.string().nullable(),
    }),
  ),
  nextCursor: z.string().optional(),
});

function toEvent(entry: AuditEntry): z.output<typeof auditAnswer>['events'][number] {
  const { id, at, action, actor, subject, details, address, userAgent, requestId } = entry;
  return {
    id,
    at: at.toISOString(),
    action,
    actor: { kind: actor.kind, id: actor.id ?? null, email: actor.email ?? null },
    subject: subject ? { kind: subject.kind, id: subject.id ?? null, name: subject.name ?? null } : null,
    details,
    address: address ?? null,
    userAgent: userAgent ?? null,
    requestId: requestId ?? null,
  };
}

/** The audit log, for admins. */
export function auditRoutes({ audit }: Context): ApiRouter {
  const api = createApiRouter();

  api.get(
    '/audit',
    {
      group: 'Audit log',
      name: 'listAuditEvents',
      about: 'List what was done',
      notes: 'The newest first. `who` is looked for in addresses; `since` and `until` are both included.',
      forAdmins: true,
      query: auditQuery,
      answers: { 200: auditAnswer },
    },
    async ({ user, query: { cursor, ...filter } }) => {
      const { entries, nextCursor } = await audit.list(user, filter, { cursor });
      return { events: entries.map(toEvent), nextCursor };
    },
  );

  return api;
}
