import { Router } from 'express';
import type { Finding } from '../checks/finding.ts';
import type { Context } from '../context.ts';
import { formatDate, plural } from '../format.ts';
import { currentUser } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { render } from '../views.ts';
import { toSetupCard } from './setup-card.ts';
import type { FindingRow } from './setup-views.ts';

const LEVELS: Record<Finding['level'], { badge: string; level: string }> = {
  ok: { badge: 'finished', level: 'In order' },
  warn: { badge: 'held', level: 'Look at this' },
  fail: { badge: 'failed', level: 'Does not work' },
};

const toRow = ({ level, about, message }: Finding): FindingRow => ({ ...LEVELS[level], about, message });

function summaryOf(findings: Finding[]): string {
  const failed = findings.filter(({ level }) => level === 'fail').length;
  const warned = findings.filter(({ level }) => level === 'warn').length;
  if (failed + warned === 0) return 'All that was looked at is in order.';
  return [
    failed > 0 ? `${plural(failed, 'thing')} ${failed === 1 ? 'does' : 'do'} not work` : '',
    warned > 0 ? `${plural(warned, 'thing')} to look at` : '',
  ]
    .filter(Boolean)
    .join(', ')
    .concat('.');
}

/** The setup checker: how the hub and each service are set up, and what is missing. Admins only. */
export function setupRoutes({ setup }: Context): Router {
  const router = Router();

  router.get(paths.setupCheck, async (req, res) => {
    const { findings, platforms } = await setup.look(currentUser(req));
    const { connections } = req.session;
    render(res, 'setup/index', {
      title: 'Set-up',
      section: 'integrations',
      summary: summaryOf([...findings, ...(connections?.findings ?? [])]),
      findings: findings.map(toRow),
      connections: connections && {
        at: formatDate(new Date(connections.at)),
        findings: connections.findings.map(toRow),
      },
      platforms: platforms.map(toSetupCard),
    });
  });

  router.post(paths.setupCheck, async (req, res) => {
    req.session.connections = { findings: await setup.ask(currentUser(req)), at: new Date().toISOString() };
    res.redirect(303, `${paths.setupCheck}#connections`);
  });

  return router;
}
