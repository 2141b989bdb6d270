import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { Platform } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import { AppError } from '../errors.ts';
import { currentUser } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { flash } from '../views.ts';
import { toIntegration } from './answers.ts';
import { prefersPage } from './authentication.ts';
import { queryOf } from './input.ts';
import * as schemas from './schemas.ts';

/** Begins a grant of the caller's. Errors: BadRequestError `not_configured`. */
export const beginGrant = ({ grants }: Context, req: Request, platform: Platform): Promise<{ url: string }> =>
  grants.start(currentUser(req), platform, { sessionId: grantor(req) });

/**
 * Ends a grant with what the vendor sent along: a browser is sent on to a page, other callers get the answer.
 * Errors, to other callers: as of `grants.finish`.
 */
export async function finishGrant(
  context: Context,
  req: Request,
  res: Response,
  platform: Platform,
): Promise<z.output<typeof schemas.callbackAnswer> | undefined> {
  const isPerson = prefersPage(req) && !req.byToken;
  try {
    const { error_description: errorDescription, ...query } = queryOf(req, schemas.callbackQuery);
    const integration = await context.grants.finish(currentUser(req), platform, {
      sessionId: grantor(req),
      query: { ...query, errorDescription },
    });
    const message = `${labelOf(context, platform)} is connected: ${integration.accountEmail ?? integration.accountName ?? integration.accountId}.`;
    if (!isPerson) return { success: true, message, integration: toIntegration(integration) };
    flash(req, { kind: 'success', message });
    res.redirect(303, paths.integration(integration.id));
  } catch (error) {
    // A person who comes back from the vendor is told on the page where they can try again; what nobody expected goes to the error page.
    if (!isPerson || !(error instanceof AppError)) throw error;
    if (error.status >= 500)
      context.logger.warn({ err: error, requestId: req.requestId, platform }, 'a grant could not be completed');
    flash(req, { kind: 'error', message: error.message });
    res.redirect(303, paths.integrations);
  }
  return undefined;
}

/** Who a grant is bound to: the browser's session, or the user behind an API token, which has none. */
const grantor = (req: Request): string => (req.byToken ? `token:${currentUser(req).id}` : req.sessionID);

const labelOf = ({ definitions }: Context, platform: Platform): string =>
  definitions.find(({ id }) => id === platform)?.label ?? platform;
