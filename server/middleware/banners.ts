import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { paths } from '../paths.ts';
import type { Banner } from '../routes/notification-views.ts';
import { currentUser } from './request.ts';

/** Lines above a page; what more there is stands on the page of notifications. */
const SHOWN = 3;

/** Hands every signed-in page what asks its user for attention: by one query. What the page itself shows in full is left out. */
export function banners(context: Context): RequestHandler {
  return async (req, res, next) => {
    const here = req.originalUrl.split('?')[0];
    if (here === paths.notifications) return next();
    const open = await context.notifications.open(currentUser(req), SHOWN + 1);
    const shown = open.slice(0, SHOWN).filter(({ link }) => link?.href.split('?')[0] !== here);
    const lines: Banner[] = shown.map(({ id, text, link }) => ({ id, text, link }));
    Object.assign(res.locals, {
      banners: lines,
      moreBanners: open.length > SHOWN,
      // Where a dismissed line takes its reader back to.
      bannersReturn: req.method === 'GET' ? req.originalUrl : paths.home,
    });
    next();
  };
}
