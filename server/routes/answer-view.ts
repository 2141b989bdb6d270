import type { Platform, ProviderDefinition } from '../../providers/provider.ts';
import type { Statement } from '../ask/answer-check.ts';
import { platformLabel } from '../format.ts';
import { highlight, queryStems, type TextPart } from '../highlight.ts';
import { paths } from '../paths.ts';
import { isClaim, type Answer } from '../services/ask-service.ts';

type Sentence = { text: string; cites: number[]; isUnsupported: boolean };

/** An answer, laid out. */
export type AnswerView = {
  by: Answer['by'];
  heading: string;
  /** "Well supported, 82%" */
  confidence?: { level: 'good' | 'fair' | 'weak'; text: string };
  notice?: string;
  /** Who wrote it, and what that means. */
  origin?: string;
  /** Paragraphs and lists of a model's answer; `start` is the number a numbered list begins with. */
  blocks: { kind: 'text' | 'bullets' | 'numbers'; start?: number; items: Sentence[][] }[];
  hasUnsupported: boolean;
  citations: {
    number: number;
    title: string;
    href: string;
    platform: Platform;
    label: string;
    url?: string;
    path: string;
    headingPath: string[];
    page?: number;
    quote: TextPart[];
    /** "92% match" */
    confidence: string;
  }[];
  /** Documents that were looked at without finding an answer. */
  lookedAt: { title: string; href: string; path: string }[];
};

const percent = (share: number): string => `${Math.round(share * 100)}%`;

/** What the confidence of a model's answer means, as docs/api.md says. */
function inWords(confidence: number): AnswerView['confidence'] {
  const [level, words] =
    confidence >= 0.6
      ? (['good', 'Well supported'] as const)
      : confidence >= 0.35
        ? (['fair', 'Partly supported'] as const)
        : (['weak', 'Weakly supported'] as const);
  return { level, text: `${words}, ${percent(confidence)}` };
}

/** How a page shows the answer to a question. `model` is the one that may have written it. */
export function toAnswerView(
  answer: Answer,
  options: { question: string; model?: string; definitions: ProviderDefinition[] },
): AnswerView {
  const stems = queryStems(options.question);
  const byModel = answer.by === 'model';
  const blocks = byModel ? toBlocks(answer.statements) : [];
  const looked = new Map(answer.lookedAt.map((passage) => [passage.documentId, passage]));
  return {
    by: answer.by,
    heading: HEADINGS[answer.by],
    confidence: byModel ? inWords(answer.confidence) : undefined,
    notice: answer.notice,
    origin: byModel
      ? `Written by ${options.model} from the passages below. Check what matters at its source.`
      : answer.by === 'extracts' && !answer.notice
        ? 'Sentences of your documents as they stand. No model is set up to write an answer from them.'
        : undefined,
    blocks,
    hasUnsupported: blocks.some(({ items }) => items.flat().some(({ isUnsupported }) => isUnsupported)),
    citations: answer.citations.map(({ number, passage, quote, confidence }) => ({
      number,
      title: passage.title,
      href: paths.documentChunk(passage.documentId, passage.ordinal),
      platform: passage.sourceType,
      label: platformLabel(options.definitions, passage.sourceType),
      url: passage.url,
      path: passage.path,
      headingPath: passage.headingPath,
      page: passage.page,
      quote: highlight(quote.replace(/\s+/g, ' '), stems),
      confidence: `${percent(confidence)} match`,
    })),
    lookedAt:
      answer.by === 'nothing'
        ? [...looked.values()].map((passage) => ({
            title: passage.title,
            href: paths.documentChunk(passage.documentId, passage.ordinal),
            path: passage.path,
          }))
        : [],
  };
}

const HEADINGS: Record<Answer['by'], string> = {
  model: 'Answer',
  extracts: 'What your documents say',
  nothing: 'The documents do not say',
};

/** Sentences as paragraphs and lists. */
function toBlocks(statements: Statement[]): AnswerView['blocks'] {
  const blocks: AnswerView['blocks'] = [];
  for (const statement of statements) {
    const sentence = {
      text: statement.text,
      cites: statement.cites,
      isUnsupported: isClaim(statement) && statement.cites.length === 0,
    };
    const { bullet } = statement;
    const kind = bullet === undefined ? 'text' : bullet === '-' ? 'bullets' : 'numbers';
    const last = blocks.at(-1);
    if (last && statement.begins === 'on') last.items.at(-1)?.push(sentence);
    else if (last && last.kind === kind && kind !== 'text') last.items.push([sentence]);
    else
      blocks.push({ kind, start: kind === 'numbers' ? parseInt(bullet ?? '1', 10) : undefined, items: [[sentence]] });
  }
  return blocks;
}
