import { Router, type Request, type Response } from 'express';
import type { Context } from '../context.ts';
import { AppError, InvalidInputError } from '../errors.ts';
import { accountLabel, plural, platformLabel } from '../format.ts';
import { filtersForm } from '../forms/filters-form.ts';
import { parseForm, typedValues, type FieldError } from '../forms/form.ts';
import { changeBasket, choicesOf, encodeItem, selectionForm } from '../forms/selection-form.ts';
import { currentUser } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import type { BrowsePage } from '../services/browse-service.ts';
import type { Integration } from '../services/integration-service.ts';
import type { BasketItem } from '../session.ts';
import { flash, render } from '../views.ts';
import { coverNote, iconOf, toRow } from './browse-rows.ts';
import type { BasketPanel, BrowseRow, BrowseSection, BrowseViews } from './browse-views.ts';
import { filterPanel, importChoices } from './import-choices.ts';
import { toSelected } from './selected-items.ts';

/** More items than this would make a session slow; folders count as one. */
const MAX_BASKET = 500;
const TOO_MANY = `A selection holds at most ${MAX_BASKET} items. Import these first, or select whole folders instead.`;
const NOTHING_TICKED = 'Tick at least one file or folder to import.';

/** Which page of the browser is asked for: its query string. */
type Place = { integration?: string; ref?: string; q?: string; cursor?: string };
type Problem = { status: number; errors: FieldError[]; ticked: BasketItem[] };

const placeOf = (search: URLSearchParams): Place => ({
  integration: search.get('integration') ?? undefined,
  ref: search.get('ref') ?? undefined,
  q: search.get('q')?.trim() || undefined,
  cursor: search.get('cursor') ?? undefined,
});

/** The browser over all accounts, the selection that survives moving about in it, and the import of that selection. */
export function browseRoutes(context: Context): Router {
  const router = Router();
  const { browse, documents, imports, integrations, providers } = context;
  const labelOf = (integration: Integration): string => platformLabel(context.definitions, integration.platform);

  const toSection = (integration: Integration, rows: BrowseRow[]): BrowseSection => ({
    id: integration.id,
    platform: integration.platform,
    label: labelOf(integration),
    account: accountLabel(integration),
    href: paths.browse({ integration: integration.id }),
    rows,
  });

  /** Why an account shows nothing, with the link that helps: reconnecting, listing from the start, or trying again. */
  const failureOf = (integration: Integration, message: string, code: string | undefined, place: Place) => {
    const dead = ['needs_reconnect', 'missing_scope'];
    if (dead.includes(integration.status) || (code !== undefined && dead.includes(code)))
      return { message, href: paths.integration(integration.id), label: 'Reconnect' };
    if (code === 'cursor_expired')
      return { message, href: paths.browse({ ...place, cursor: undefined }), label: 'List from the start' };
    return { message, href: paths.browse(place), label: 'Try again' };
  };

  /** What is selected, without the items of accounts that are gone. */
  const basketPanel = async (req: Request): Promise<BasketPanel> => {
    const user = currentUser(req);
    const [accounts, categories] = await Promise.all([integrations.list(user), documents.categories(user)]);
    const rows = (req.session.basket ?? []).flatMap((item) => {
      const integration = accounts.find((account) => account.id === item.integrationId);
      if (!integration) return [];
      const account = accountLabel(integration);
      return [
        { value: encodeItem(item), name: item.name, icon: iconOf(item), platform: integration.platform, account },
      ];
    });
    if (req.session.basket && rows.length < req.session.basket.length)
      req.session.basket = req.session.basket.filter((item) => accounts.some(({ id }) => id === item.integrationId));
    const connected = context.definitions.filter(({ id }) => accounts.some(({ platform }) => platform === id));
    return {
      rows,
      count: plural(rows.length, 'item'),
      categories,
      choices: importChoices(connected, req.session.importChoices),
      filters: filterPanel(req.session.importChoices?.filters),
    };
  };

  type Shown = Omit<BrowseViews['browse/index'], 'basket' | 'here'>;

  const showTop = async (req: Request, selected: BasketItem[]): Promise<Shown> => {
    const roots = await browse.roots(currentUser(req));
    return {
      heading: 'Browse',
      top: true,
      trail: [],
      inFile: false,
      sections: roots.map(({ integration, items, error }) => ({
        ...toSection(
          integration,
          items.map((item) => toRow(integration.id, item, { selected, covered: false, folder: '' })),
        ),
        failure: error === undefined ? undefined : failureOf(integration, error, undefined, {}),
      })),
    };
  };

  const showAccount = async (req: Request, id: string, place: Place, selected: BasketItem[]): Promise<Shown> => {
    const user = currentUser(req);
    const integration = await integrations.get(user, id);
    const account = { integration: id };
    const name = `${labelOf(integration)} (${accountLabel(integration)})`;
    const inFolder = place.ref !== undefined && place.ref !== 'root';
    const trail: Shown['trail'] = [
      { name: 'All accounts', href: paths.browse() },
      { name, href: inFolder || place.q ? paths.browse(account) : undefined },
    ];
    const provider = providers.get(integration.platform);
    const search = provider?.search ? { integrationId: id, label: labelOf(integration), q: place.q ?? '' } : undefined;
    let page: BrowsePage;
    try {
      page = await browse.list(user, id, { ref: place.ref, query: place.q, cursor: place.cursor });
    } catch (error) {
      // The account is there, so what failed is the vendor's answer: that is part of this page. Mistakes of ours are not.
      if (!(error instanceof AppError)) throw error;
      const failure = failureOf(integration, error.message, error.code, place);
      if (inFolder) trail.push({ name: 'This folder' });
      return {
        heading: labelOf(integration),
        top: false,
        trail,
        inFile: false,
        sections: [{ ...toSection(integration, []), failure }],
        search,
      };
    }
    if (place.q) trail.push({ name: `Search for “${place.q}”` });
    else
      page.breadcrumbs.forEach(({ ref, name: folder }, index) =>
        trail.push({
          name: folder,
          href: index < page.breadcrumbs.length - 1 ? paths.browse({ ...account, ref }) : undefined,
        }),
      );
    const above = page.breadcrumbs.filter(({ ref }) =>
      selected.some((item) => item.integrationId === id && item.ref === ref),
    );
    const inFile = page.breadcrumbs.at(-1)?.kind === 'file';
    const covered = !inFile && above.some(({ kind }) => kind === 'folder');
    const folder = place.q ? undefined : page.breadcrumbs.map((crumb) => crumb.name).join('/');
    return {
      // At the account's own level the trail names it already, with its address.
      heading: trail.length > 2 ? (trail.at(-1)?.name ?? name) : labelOf(integration),
      top: false,
      trail,
      inFile,
      sections: [
        toSection(
          integration,
          page.items.map((item) => toRow(id, item, { selected, covered, folder })),
        ),
      ],
      search,
      nextHref: page.next === undefined ? undefined : paths.browse({ ...place, cursor: page.next }),
      coverNote: coverNote(above, inFile),
    };
  };

  const show = async (req: Request, res: Response, place: Place, problem?: Problem): Promise<void> => {
    const basket = await basketPanel(req);
    const selected = problem?.ticked ?? req.session.basket ?? [];
    const shown = place.integration
      ? await showAccount(req, place.integration, place, selected)
      : await showTop(req, selected);
    if (problem) res.status(problem.status);
    const { category, filters } = req.session.importChoices ?? {};
    render(res, 'browse/index', {
      title: shown.heading,
      section: 'browse',
      ...shown,
      basket,
      here: paths.browse(place),
      errors: problem?.errors,
      values: { category: category ?? '', ...filters, types: '' },
    });
  };

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
    return show(req, res, placeOf(new URL(here, 'http://hub.invalid').searchParams), {
      status,
      errors,
      ticked,
    });
  };

  /** app.js asks for the selection alone, so that ticking does not list the folder again. */
  const answer = async (req: Request, res: Response, here: string): Promise<void> => {
    if (req.get('x-fragment') !== 'basket') return res.redirect(303, here);
    render(res, 'browse/basket', { title: 'Selection', basket: await basketPanel(req) });
  };

  router.get('/admin/browse', (req, res) =>
    show(req, res, placeOf(new URL(req.originalUrl, 'http://hub.invalid').searchParams)),
  );

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
