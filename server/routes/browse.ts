import { Router, type Request, type Response } from 'express';
import type { Context } from '../context.ts';
import { AppError, InvalidInputError } from '../errors.ts';
import { plural } from '../format.ts';
import { filtersForm } from '../forms/filters-form.ts';
import { parseForm, typedValues, type FieldError } from '../forms/form.ts';
import { changeBasket, choicesOf, selectionForm } from '../forms/selection-form.ts';
import { currentUser } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import type { BasketItem } from '../session.ts';
import { flash, render } from '../views.ts';
import { failureOf } from './browse-failure.ts';
import { createBrowsePage } from './browse-page.ts';
import { placeAt, type Place } from './browse-place.ts';
import { failedBranch, toBranch } from './browse-tree.ts';
import { toSelected } from './selected-items.ts';

/** More items than this would make a session slow; folders count as one. */
const MAX_BASKET = 500;
const TOO_MANY = `A selection holds at most ${MAX_BASKET} items. Import these first, or select whole folders instead.`;
const NOTHING_TICKED = 'Tick at least one file or folder to import.';

/** The browser over all accounts, the selection that survives moving about in it, and the import of that selection. */
export function browseRoutes(context: Context): Router {
  const router = Router();
  const { browse, imports, integrations } = context;
  const { show, basketPanel } = createBrowsePage(context);

  /** The same page again, with what was ticked and typed. */
  const showAgain = (
    req: Request,
    res: Response,
    errors: FieldError[],
    ticked: BasketItem[],
    status = 422,
  ): Promise<void> => {
    const sent = typedValues(req.body, ['return']);
    const here = selectionForm.shape.return.parse(sent.return);
    return show(req, res, placeAt(here), { status, errors, ticked });
  };

  /** app.js asks for the selection alone, so that ticking does not list the folder again. */
  const answer = async (req: Request, res: Response, here: string): Promise<void> => {
    if (req.get('x-fragment') !== 'basket') return res.redirect(303, here);
    render(res, 'browse/basket', { title: 'Selection', basket: await basketPanel(req) });
  };

  /** app.js asks for a branch of the tree alone. One that cannot be listed is an answer too, so that the others stand. */
  const showBranch = async (req: Request, res: Response, place: Place, id: string): Promise<void> => {
    const integration = await integrations.get(currentUser(req), id);
    const ref = place.ref === 'root' ? undefined : place.ref;
    const options = { ref, cursor: place.cursor, fresh: req.get('x-fresh') !== undefined };
    const branch = await browse.branch(currentUser(req), id, options).then(
      ({ places, next }) => toBranch(id, ref, { items: places, next }),
      (error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        return failedBranch(failureOf(integration, error.message, error.code, place));
      },
    );
    render(res, 'browse/branch', { title: 'Folders', branch });
  };

  router.get('/admin/browse', (req, res) => {
    const place = placeAt(req.originalUrl);
    const { integration } = place;
    if (integration !== undefined && req.get('x-fragment') === 'branch')
      return showBranch(req, res, place, integration);
    return show(req, res, place);
  });

  router.post([paths.basketAdd, paths.basketRemove], async (req, res) => {
    req.session.importChoices = choicesOf(req.body);
    const form = parseForm(selectionForm, req.body);
    if (!form.ok) return showAgain(req, res, form.errors, req.session.basket ?? []);
    const basket = changeBasket(req.session.basket ?? [], form.values);
    if (basket.length > MAX_BASKET) return showAgain(req, res, [{ field: 'item', message: TOO_MANY }], basket);
    req.session.basket = basket;
    return answer(req, res, form.values.return);
  });

  router.post(paths.basketClear, async (req, res) => {
    delete req.session.basket;
    const form = parseForm(selectionForm, req.body);
    return answer(req, res, form.ok ? form.values.return : paths.browse());
  });

  /** What the form says of an import. Undefined: something is wrong with it, and the page was shown again. */
  const readImport = async (req: Request, res: Response) => {
    req.session.importChoices = choicesOf(req.body);
    const form = parseForm(selectionForm, req.body);
    const typed = parseForm(filtersForm, req.body);
    const before = req.session.basket ?? [];
    const basket = form.ok ? changeBasket(before, form.values) : before;
    const errors = [
      ...(form.ok ? [] : form.errors),
      ...(form.ok && basket.length === 0 ? [{ field: 'item', message: NOTHING_TICKED }] : []),
      ...(basket.length > MAX_BASKET ? [{ field: 'item', message: TOO_MANY }] : []),
      ...(typed.ok ? [] : typed.errors),
    ];
    if (form.ok && typed.ok && errors.length === 0) return { basket, form: form.values, filters: typed.values };
    if (basket.length <= MAX_BASKET) req.session.basket = basket;
    await showAgain(req, res, errors, basket);
    return undefined;
  };

  router.post(paths.review(), async (req, res) => {
    const read = await readImport(req, res);
    if (!read) return;
    req.session.basket = read.basket;
    res.redirect(303, paths.review(read.form.return));
  });

  router.post(paths.imports, async (req, res) => {
    const read = await readImport(req, res);
    if (!read) return;
    const { basket, form, filters } = read;
    const { category, includeChildren, includeAttachments } = form;
    const items = basket.map(toSelected);
    try {
      const choices = { category, includeChildren, includeAttachments, filters };
      const { id } = await imports.create(currentUser(req), { items, ...choices });
      delete req.session.basket;
      delete req.session.importChoices;
      flash(req, { kind: 'success', message: `Importing ${plural(basket.length, 'selected item')}.` });
      res.redirect(303, paths.import(id));
    } catch (error) {
      // What was ticked is kept, so that nothing has to be found again once the problem is solved.
      if (error instanceof AppError && (error instanceof InvalidInputError || error.code === 'needs_reconnect')) {
        req.session.basket = basket;
        const errors = (error.details.errors as FieldError[] | undefined) ?? [
          { field: 'item', message: error.message },
        ];
        return showAgain(
          req,
          res,
          errors.map(({ field, message }) => ({ field: field === 'category' ? field : 'item', message })),
          basket,
          error.status,
        );
      }
      throw error;
    }
  });

  return router;
}
