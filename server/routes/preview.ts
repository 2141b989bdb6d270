import { Router } from 'express';
import type { Context } from '../context.ts';
import { AppError, NotFoundError } from '../errors.ts';
import {
  accountLabel,
  formatBytes,
  formatCount,
  formatMaybeDate,
  formatMediaType,
  platformLabel,
  plural,
} from '../format.ts';
import { selectionForm } from '../forms/selection-form.ts';
import { currentUser, queryValue } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { isPlace } from '../services/browse-service.ts';
import type { Integration } from '../services/integration-service.ts';
import type { Preview, PreviewText } from '../services/preview-service.ts';
import type { Format } from '../pipeline/normalized.ts';
import { render } from '../views.ts';
import { failureOf } from './browse-failure.ts';
import type { PreviewLocals } from './preview-views.ts';

/** What is known of an item before it is imported, with the beginning of its text. */
export function previewRoutes(context: Context): Router {
  const router = Router();

  router.get('/admin/browse/preview', async (req, res) => {
    const user = currentUser(req);
    const ref = queryValue(req, 'ref');
    if (ref === undefined) throw new NotFoundError('An item to preview');
    const integration = await context.integrations.get(user, queryValue(req, 'integration') ?? '');
    const back = selectionForm.shape.return.parse(queryValue(req, 'from'));
    const here = paths.preview({ integration: integration.id, ref, from: back });
    const left = new AbortController();
    res.on('close', () => left.abort());
    const account = {
      platform: integration.platform,
      label: platformLabel(context.definitions, integration.platform),
      account: accountLabel(integration),
      back,
    };
    let locals: PreviewLocals;
    try {
      const preview = await context.previews.preview(user, integration.id, ref, left.signal);
      locals = { ...account, ...toLocals(preview, here) };
    } catch (error) {
      // The vendor's answer is part of the page; mistakes of ours are not.
      if (!(error instanceof AppError)) throw error;
      const problem = problemOf(integration, { message: error.message, code: error.code, retry: true }, here);
      locals = { ...account, name: 'This item', details: [], changedSince: false, isFolder: false, problem };
    }
    const isPart = req.get('x-fragment') === 'preview';
    render(res, isPart ? 'browse/preview-part' : 'browse/preview', {
      title: `Preview of ${locals.name}`,
      section: 'browse',
      ...locals,
    });
  });

  return router;
}

/** What each format is called is what its usual media type is called. */
const MEDIA_TYPES: Record<Format, string> = {
  txt: 'text/plain',
  md: 'text/markdown',
  html: 'text/html',
  confluence: 'application/vnd.atlassian.confluence.storage+xml',
  csv: 'text/csv',
  json: 'application/json',
  pdf: 'application/pdf',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  odt: 'application/vnd.oasis.opendocument.text',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  odp: 'application/vnd.oasis.opendocument.presentation',
  rtf: 'application/rtf',
  eml: 'message/rfc822',
};

type Shown = Omit<PreviewLocals, 'platform' | 'label' | 'account' | 'back'>;

function toLocals({ integration, item, above, details, text, problem }: Preview, here: string): Shown {
  const isFolder = item.kind === 'folder';
  return {
    name: item.name,
    path: above.length > 0 ? above.map(({ name }) => name).join(' / ') : undefined,
    type: isFolder ? 'Folder' : formatMediaType(item.mediaType, item.name),
    size: formatBytes(item.sizeBytes) || undefined,
    modifiedAt: formatMaybeDate(item.modifiedAt),
    owner: item.owner,
    webUrl: item.webUrl,
    details: Object.entries(details).map(([name, value]) => ({ name, value: [value].flat().join(', ') })),
    openHref: isPlace(item) ? paths.browse({ integration: integration.id, ref: item.ref }) : undefined,
    documentHref: item.documentId === undefined ? undefined : paths.document(item.documentId),
    changedSince: item.changedSince,
    isFolder,
    text: text && toText(text),
    problem: problem && problemOf(integration, problem, here),
  };
}

const toText = ({ format, passages, text, characters }: PreviewText): Shown['text'] => ({
  value: text,
  summary: `${formatMediaType(MEDIA_TYPES[format])}, ${plural(passages, 'passage')}, ${plural(characters, 'character')}`,
  cut: text.length < characters ? `Only the first ${formatCount(text.length)} characters are shown here.` : undefined,
});

function problemOf(integration: Integration, problem: NonNullable<Preview['problem']>, here: string): Shown['problem'] {
  const { href, label } = failureOf(integration, problem.message, problem.code, {});
  if (!problem.retry) return { message: problem.message };
  return {
    message: problem.message,
    action: label === 'Reconnect' ? { href, label } : { href: here, label: 'Try again' },
  };
}
