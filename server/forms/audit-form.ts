import { AUDIT_ACTIONS, type AuditAction, type AuditFilter } from '../audit/events.ts';

/** The filters of the audit log as an address has them. Days are in UTC. */
export type TypedAuditFilter = { who: string; action: string; since: string; until: string };

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAY_MS = 24 * 3600 * 1000;
const MAX_WHO = 254;

function dayOf(typed: string): Date | undefined {
  const day = DAY.test(typed) ? new Date(`${typed}T00:00:00Z`) : undefined;
  return day === undefined || Number.isNaN(day.getTime()) ? undefined : day;
}

/** Reads the filters; what is malformed counts as absent. Both days are part of the span. */
export function parseAuditFilter(typed: Partial<TypedAuditFilter>): { filter: AuditFilter; typed: TypedAuditFilter } {
  const who = (typed.who ?? '').trim().slice(0, MAX_WHO);
  const action = Object.hasOwn(AUDIT_ACTIONS, typed.action ?? '') ? (typed.action as AuditAction) : undefined;
  const since = dayOf(typed.since ?? '');
  const until = dayOf(typed.until ?? '');
  return {
    filter: { who: who || undefined, action, since, until: until && new Date(until.getTime() + DAY_MS) },
    typed: {
      who,
      action: action ?? '',
      since: since ? (typed.since ?? '') : '',
      until: until ? (typed.until ?? '') : '',
    },
  };
}
