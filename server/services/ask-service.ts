import type { Logger } from 'pino';
import { createAnswerCheck, written, type Citation, type Statement } from '../ask/answer-check.ts';
import { ChatError, type ChatEnd, type ChatModel } from '../ask/chat.ts';
import { extractsOf } from '../ask/extracts.ts';
import { CANDIDATES, choosePassages } from '../ask/passages.ts';
import { toMessages } from '../ask/prompt.ts';
import { shareHeld, tellingTerms } from '../ask/sentences.ts';
import { InvalidInputError } from '../errors.ts';
import type { SearchResult, SearchService } from './search-service.ts';
import type { User } from './user-service.ts';

/** The filters are those of a search. */
export type AskInput = Omit<Parameters<SearchService['search']>[1], 'query' | 'limit' | 'mode' | 'onWordsOnly'> & {
  question: string;
  /** Passages that are looked at, 1 to 20; 8 where nothing is said. */
  limit?: number;
};

/** Why the model did not write the answer. */
export type AskProblem = { status: number; code: string; message: string; retryAt?: Date };

export type Answer = {
  /** Plain text; sentences name their citations as [1]. */
  text: string;
  /** The same, sentence by sentence. */
  statements: Statement[];
  /** Whether passages bear it out. */
  supported: boolean;
  /** 0 to 1, as docs/api.md says. */
  confidence: number;
  /** Who wrote it: a model, nobody (sentences of the documents as they stand), or the hub, which says that there is none. */
  by: 'model' | 'extracts' | 'nothing';
  /** What is to be known of the answer, in sentences. */
  notice?: string;
  problem?: AskProblem;
  citations: Citation[];
  /** The passages that were looked at, best first. */
  lookedAt: SearchResult[];
};

export type AskService = {
  /** "gpt-4.1 at api.openai.com"; undefined where answers are extracts. */
  model?: string;
  /**
   * An answer from the user's own documents. Pieces of a model's answer go to `onDelta` as soon as they are checked; the answer that is
   * given in the end is what counts. Whatever fails at the model's server is a `problem` of an answer by extracts.
   * Errors: InvalidInputError; the signal's reason.
   */
  ask(
    user: User,
    input: AskInput,
    options: { signal: AbortSignal; onDelta?: (text: string) => void; onProblem?: (problem: AskProblem) => void },
  ): Promise<Answer>;
};

const MAX_QUESTION = 1000;
const MAX_LIMIT = 20;
const DEFAULT_LIMIT = 8;
/** Milliseconds for a model's whole answer. */
const TIMEOUT_MS = 120_000;
/**
 * Share of the question's telling words that the best passage must have, where words are all that is compared. A model's embedder finds
 * passages in other words; there the model is asked as soon as there is any.
 */
const LEAST_COVERAGE = 0.25;

export const NO_ANSWER_TEXT = 'The documents do not say.';

export function createAskService(deps: {
  search: SearchService;
  chat?: ChatModel;
  logger: Logger;
  timeoutMs?: number;
}): AskService {
  const { search, chat, logger } = deps;

  /** Passages that may hold the answer, and those that were looked at in vain. */
  async function retrieve(user: User, { question, limit = DEFAULT_LIMIT, ...filters }: AskInput) {
    let notice: string | undefined;
    const results = await search.search(user, {
      ...filters,
      query: question,
      limit: CANDIDATES,
      onWordsOnly: (sentence) => (notice = sentence.replace('these results are', 'the passages were found')),
    });
    const passages = choosePassages(results, limit);
    const terms = tellingTerms(question);
    const best = Math.max(
      0,
      ...passages.map(({ text, title, headingPath }) => shareHeld(terms, [text, title, ...headingPath])),
    );
    const enough = passages.length > 0 && (best >= LEAST_COVERAGE || (await search.knowsMeanings()));
    return { passages, enough, notice };
  }

  return {
    model: chat?.name,
    async ask(user, input, { signal, onDelta, onProblem }) {
      const question = input.question.trim();
      checkInput(question, input.limit);
      const { passages, enough, notice } = await retrieve(user, { ...input, question });
      signal.throwIfAborted();
      const extracts = (reason?: string, rest: Partial<Answer> = {}): Answer => {
        const { statements, citations, confidence } = extractsOf(question, passages);
        return {
          text: textOf(statements),
          statements,
          supported: true,
          confidence,
          by: 'extracts',
          notice: joined(notice, reason),
          citations,
          lookedAt: passages,
          ...rest,
        };
      };
      if (!enough) return nothing(passages, notice);
      if (!chat) return extracts();

      const check = createAnswerCheck(question, passages);
      const give = (text: string) => text !== '' && onDelta?.(text);
      const overall = AbortSignal.timeout(deps.timeoutMs ?? TIMEOUT_MS);
      let end: ChatEnd | undefined;
      let problem: AskProblem | undefined;
      try {
        const pieces = chat.answer(toMessages(question, passages), AbortSignal.any([signal, overall]));
        for (;;) {
          const { value, done } = await pieces.next();
          if (done) {
            end = value;
            break;
          }
          give(check.push(value));
        }
      } catch (error) {
        signal.throwIfAborted();
        const failure = overall.aborted
          ? new ChatError('unavailable', `${chat.name} did not end its answer in time.`)
          : error;
        if (!(failure instanceof ChatError)) throw error;
        logger.warn({ err: failure }, 'a question was not answered by the model');
        problem = toProblem(failure, user);
        onProblem?.(problem);
      }
      give(check.end({ whole: end === 'stop' }));
      const { statements, citations, declined } = check.result();
      if (declined) return nothing(passages, notice);
      if (citations.length === 0) {
        if (problem) return extracts(`${problem.message} ${INSTEAD}`, { problem });
        if (end === 'content_filter') return extracts(`The model’s server withheld the answer. ${INSTEAD}`);
        return extracts(UNSUPPORTED, { supported: false, confidence: 0 });
      }
      return {
        text: textOf(statements),
        statements,
        supported: true,
        confidence: confidenceOf(statements),
        by: 'model',
        notice: joined(notice, problem ? `${problem.message} The answer breaks off here.` : CUT[end ?? 'stop']),
        problem,
        citations,
        lookedAt: passages,
      };
    },
  };
}

const INSTEAD = 'These are sentences of your documents instead.';
const UNSUPPORTED =
  'The model’s answer is not shown, because no passage bears it out. These are the sentences that come closest to the question.';
const CUT: Record<ChatEnd, string | undefined> = {
  stop: undefined,
  length: 'The answer reached its greatest length, and breaks off here.',
  content_filter: 'The model’s server withheld the rest of the answer.',
};

const joined = (...sentences: (string | undefined)[]): string | undefined =>
  sentences.filter((sentence) => sentence !== undefined).join(' ') || undefined;

const textOf = (statements: Statement[]): string =>
  statements.map((statement, at) => written(statement, at === 0)).join('');

/** A line that leads to the ones below it states nothing by itself. */
export const isClaim = ({ text, cites }: Statement): boolean => cites.length > 0 || !text.endsWith(':');

/** The mean, over what is stated, of how well it is borne out; what names no passage counts as 0. */
function confidenceOf(statements: Statement[]): number {
  const claims = statements.filter(isClaim);
  return claims.reduce((sum, { support }) => sum + support, 0) / Math.max(1, claims.length);
}

const nothing = (passages: SearchResult[], notice?: string): Answer => ({
  text: NO_ANSWER_TEXT,
  statements: [{ text: NO_ANSWER_TEXT, cites: [], support: 0, begins: 'paragraph' }],
  supported: false,
  confidence: 0,
  by: 'nothing',
  notice,
  citations: [],
  lookedAt: passages,
});

function checkInput(question: string, limit = DEFAULT_LIMIT): void {
  const errors = [
    ...(question === '' ? [{ field: 'question', message: 'Enter a question.' }] : []),
    ...(question.length > MAX_QUESTION
      ? [{ field: 'question', message: `Enter at most ${MAX_QUESTION.toLocaleString('en')} characters.` }]
      : []),
    ...(!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT
      ? [{ field: 'limit', message: `Ask for 1 to ${MAX_LIMIT} passages.` }]
      : []),
  ];
  if (errors.length > 0) throw new InvalidInputError(errors);
}

/** What the settings have to do with it is for those to read who can change them. */
function toProblem({ kind, message, retryAt }: ChatError, { role }: User): AskProblem {
  const told = (status: number, code: string, sentence: string) => ({ status, code, message: sentence, retryAt });
  switch (kind) {
    case 'misconfigured':
      return told(
        502,
        'model_misconfigured',
        role === 'admin' ? message : 'The model that writes answers is not set up right. Tell an admin of this hub.',
      );
    case 'rate_limited':
      return told(503, 'model_rate_limited', `${message} Ask again in a while.`);
    case 'refused':
      return told(502, 'model_refused', message);
    case 'bad_response':
    case 'unavailable':
      return told(503, 'model_unavailable', `${message} Ask again in a while.`);
  }
}
