import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { z } from 'zod';
import { currentUser, param } from '../middleware/request.ts';
import type { User } from '../services/user-service.ts';
import { currentAdmin } from './authentication.ts';
import { bodyOf, queryOf } from './input.ts';

/** What an answer is beside JSON: nothing, or bytes of a media type. */
export type OtherAnswer = { about: string; mediaType?: string };
type Answers = Record<number, z.ZodType | OtherAnswer>;

/** What a call takes and answers: its requests are checked by this, and the reference is made of it. */
export type CallDescription = {
  /** Of the function in a generated client; it does not change. */
  name: string;
  /** In a few words: the heading in the reference. */
  about: string;
  /** What else a caller has to know. */
  notes?: string;
  /** The group it stands in. */
  group: string;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** By status, of which the lowest one is sent unless another was set. What is refused is always a problem. */
  answers: Answers;
  /** What its JSON also comes as, where `Accept` asks for that: a media type. */
  orAs?: string;
  /** Beside `Authorization`, by name. */
  headers?: Record<string, string>;
  /** Of its answers beside those that all have, by name. */
  answerHeaders?: Record<string, string>;
  /** Only admins may call it. */
  forAdmins?: boolean;
  /** Further checks before it, such as a limit of its own. */
  guards?: RequestHandler[];
};

/** A call with its place: `path` as Express writes it, below the API's own. */
export type Call = CallDescription & { method: 'get' | 'post' | 'put' | 'delete'; path: string };

type Asked<D extends CallDescription> = {
  req: Request;
  res: Response;
  user: User;
  /** Checked when they are read. Errors: InvalidInputError, AppError 415. */
  query: D['query'] extends z.ZodType ? z.output<D['query']> : never;
  body: D['body'] extends z.ZodType ? z.output<D['body']> : never;
  /** A value of the path. */
  param: (name: string) => string;
};
type AnswerOf<A extends Answers> = { [S in keyof A]: A[S] extends z.ZodType ? z.output<A[S]> : never }[keyof A];
type Define = <const D extends CallDescription>(
  path: string,
  description: D,
  /** Gives what is answered as JSON; nothing where there is no content, or where it answered by itself. */
  answer: (asked: Asked<D>) => Promise<AnswerOf<D['answers']> | void>,
) => void;

export type ApiRouter = { router: Router; calls: Call[] } & Record<Call['method'], Define>;

/** A router whose calls are described where they are answered. */
export function createApiRouter(): ApiRouter {
  const router = Router();
  const calls: Call[] = [];
  const defining =
    (method: Call['method']): Define =>
    (path, description, answer) => {
      calls.push({ method, path, ...description });
      const [status = 200] = Object.keys(description.answers).map(Number);
      router[method](path, ...(description.guards ?? []), async (req, res) => {
        const user = description.forAdmins ? currentAdmin(req) : currentUser(req);
        const asked = {
          req,
          res,
          user,
          get query() {
            return queryOf(req, description.query!);
          },
          get body() {
            return bodyOf(req, description.body!);
          },
          param: (name: string) => param(req, name),
        };
        res.status(status);
        const answered = await answer(asked as Parameters<typeof answer>[0]);
        if (answered !== undefined) res.json(answered);
        else if (status === 204) res.end();
      });
    };
  return {
    router,
    calls,
    get: defining('get'),
    post: defining('post'),
    put: defining('put'),
    delete: defining('delete'),
  };
}
