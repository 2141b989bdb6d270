import { Router, type Request } from 'express';
import { sendAudit } from '../audit-csv.ts';
import { AUDIT_ACTIONS } from '../audit/events.ts';
import { tellAudit } from '../audit/words.ts';
import type { Context } from '../context.ts';
import { formatDate, plural } from '../format.ts';
import { parseAuditFilter } from '../forms/audit-form.ts';
import { requireAdmin } from '../middleware/admin.ts';
import { currentUser, queryValue } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { browserLabel } from '../user-agent.ts';
import { render } from '../views.ts';

const ACTIONS = Object.entries(AUDIT_ACTIONS)
  .map(([id, label]) => ({ id, label }))
  .sort((a, b) => a.label.localeCompare(b.label));

const filterOf = (req: Request) =>
  parseAuditFilter({
    who: queryValue(req, 'who'),
    action: queryValue(req, 'action'),
    since: queryValue(req, 'since'),
    until: queryValue(req, 'until'),
  });

/** The audit log, for admins: a page with filters, and the same as a CSV file. */
export function auditRoutes(context: Context): Router {
  const router = Router();
  const { audit } = context;
  const admins = requireAdmin('read the audit log');

  router.get('/admin/audit', admins, async (req, res) => {
    const { filter, typed } = filterOf(req);
    const cursor = queryValue(req, 'cursor');
    const { entries, nextCursor } = await audit.list(currentUser(req), filter, { cursor });
    render(res, 'audit/index', {
      title: 'Audit log',
      section: 'audit',
      entries: entries.map((entry) => ({
        ...tellAudit(entry, context.definitions),
        at: formatDate(entry.at),
        browser: entry.userAgent === undefined ? '' : browserLabel(entry.userAgent),
        address: entry.address,
        requestId: entry.requestId,
      })),
      pending: await context.invitations.pending(),
      filter: typed,
      filtered: Object.values(typed).some((value) => value !== ''),
      actions: ACTIONS,
      csvHref: paths.auditCsv(typed),
      days: plural(context.config.auditRetentionDays, 'day'),
      nextHref: nextCursor === undefined ? undefined : paths.audit({ ...typed, cursor: nextCursor }),
      firstHref: cursor === undefined ? undefined : paths.audit(typed),
    });
  });

  router.get('/admin/audit.csv', admins, async (req, res) => {
    await sendAudit(res, audit.export(currentUser(req), filterOf(req).filter), context);
  });

  return router;
}
