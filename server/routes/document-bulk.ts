import { Router, type Request, type Response } from 'express';
import type { Context } from '../context.ts';
import { InvalidInputError } from '../errors.ts';
import { formatCount, plural } from '../format.ts';
import { bulkForm, toFilter, type BulkValues } from '../forms/document-forms.ts';
import { parseForm, typedValues, type FieldError } from '../forms/form.ts';
import { currentUser } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { BULK_STEP, type BulkPlan, type DocumentChoice } from '../services/document-bulk-service.ts';
import { flash, render } from '../views.ts';

const TITLES = { sync: 'Import again', category: 'Change category', delete: 'Delete documents' };

const choiceOf = (values: BulkValues): DocumentChoice =>
  values.which === 'all' ? { filter: toFilter(values) } : { ids: values.id };

const listOf = ({ q, platform, integration, category, uncategorised, state, age, sort }: BulkValues): string =>
  paths.documents({ q, platform, integration, category, uncategorised, state, age, sort });

/** Why some documents are left out of an import. */
function refusedOf({ disconnected, unreadable }: BulkPlan): { count: string; reason: string }[] {
  return [
    {
      count: disconnected,
      reason: 'Their account is disconnected. Connect it again, and they can be imported again.',
    },
    { count: unreadable, reason: 'Their account needs attention. Reconnect it first, on the integrations page.' },
  ].flatMap(({ count, reason }) => (count > 0 ? [{ count: plural(count, 'document'), reason }] : []));
}

/** What is done to many documents: the list's form asks by GET, a yes/no page says what will happen, and its answer is posted. */
export function documentBulkRoutes(context: Context): Router {
  const router = Router();
  const { documents, documentBulk, integrations } = context;

  /** What is asked for, or a way back with what is missing. */
  function chosen(req: Request, res: Response, sent: unknown): BulkValues | undefined {
    const form = parseForm(bulkForm, sent);
    const problem = form.ok
      ? form.values.which === 'ticked' && form.values.id.length === 0
        ? 'Tick at least one document, or choose all that match.'
        : undefined
      : form.errors[0]?.message;
    if (form.ok && problem === undefined) return form.values;
    flash(req, { kind: 'error', message: problem ?? '' });
    res.redirect(303, form.ok ? listOf(form.values) : paths.documents());
    return undefined;
  }

  async function ask(req: Request, res: Response, values: BulkValues, errors?: FieldError[]): Promise<void> {
    const user = currentUser(req);
    if (values.integration) await integrations.get(user, values.integration);
    const plan = await documentBulk.plan(user, choiceOf(values));
    const { q, platform, integration, category, uncategorised, state, age, sort, which } = values;
    const filters = { do: values.do, which, q, platform, integration, category, uncategorised, state, age, sort };
    render(res, 'documents/change', {
      title: TITLES[values.do],
      section: 'documents',
      action: values.do,
      documents: plural(plan.documents, 'document'),
      chunks: plural(plan.passages, 'chunk'),
      followed: plan.followed > 0 ? plural(plan.followed, 'document') : undefined,
      importable: plan.importable > 0 ? plural(plan.importable, 'document') : undefined,
      imports: Math.ceil(plan.importable / BULK_STEP),
      refused: values.do === 'sync' ? refusedOf(plan) : [],
      categories: values.do === 'category' ? await documents.categories(user) : [],
      fields: [
        ...Object.entries(filters).flatMap(([name, value]) => (value ? [{ name, value }] : [])),
        ...(which === 'ticked' ? values.id.map((id) => ({ name: 'id', value: id })) : []),
        { name: 'expected', value: String(plan.documents) },
      ],
      backHref: listOf(values),
      errors,
      values: typedValues(req.body, ['newCategory']),
    });
  }

  router.get(paths.documentsChange, async (req, res) => {
    const values = chosen(req, res, req.query);
    if (values) await ask(req, res, values);
  });

  router.post(paths.documentsChange, async (req, res) => {
    const values = chosen(req, res, req.body);
    if (!values) return;
    const user = currentUser(req);
    const choice = choiceOf(values);
    const plan = await documentBulk.plan(user, choice);
    // More may match by now than the question was about.
    if (values.expected !== plan.documents) {
      res.status(409);
      return ask(req, res, values, [
        {
          field: '',
          message: `There are ${plural(plan.documents, 'document')} now, and nothing was done yet. Look again, then answer.`,
        },
      ]);
    }
    if (values.do === 'delete') {
      const deleted = await documentBulk.delete(user, choice);
      flash(req, {
        kind: 'success',
        message: `${plural(deleted, 'document')} deleted from the hub. The files at their sources are untouched.`,
      });
      return res.redirect(303, listOf(values));
    }
    if (values.do === 'category') {
      try {
        const changed = await documentBulk.categorise(user, choice, values.newCategory);
        const name = values.newCategory.trim();
        const now = name === '' ? 'no category' : `the category “${name}”`;
        const same = plan.documents - changed;
        flash(req, {
          kind: 'success',
          message: `${plural(changed, 'document')} now ${changed === 1 ? 'has' : 'have'} ${now}.${same > 0 ? ` ${formatCount(same)} had it already.` : ''}`,
        });
      } catch (error) {
        if (!(error instanceof InvalidInputError)) throw error;
        res.status(422);
        return ask(req, res, values, [{ field: 'newCategory', message: error.message }]);
      }
      return res.redirect(303, listOf(values));
    }
    const done = await documentBulk.sync(user, choice);
    const left = refusedOf(plan).map(({ count, reason }) => ` Left out: ${count}. ${reason}`);
    flash(req, {
      kind: left.length > 0 || done.problem !== undefined ? 'notice' : 'success',
      message: `Importing ${plural(done.documents, 'document')} again.${left.join('')}${done.problem === undefined ? '' : ` Then it broke off: ${done.problem}`}`,
    });
    const [only, ...more] = done.importIds;
    res.redirect(303, only !== undefined && more.length === 0 ? paths.import(only) : paths.imports);
  });

  return router;
}
