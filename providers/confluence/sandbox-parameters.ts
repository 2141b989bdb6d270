import type { Request } from 'express';
import { badParameter, badRequest } from './sandbox-refusal.ts';

/** All values of a parameter: repeated, or in one with commas. */
export function valuesOf(req: Request, name: string): string[] {
  const given = req.query[name];
  return [given ?? []]
    .flat()
    .flatMap((value) => (typeof value === 'string' ? value.split(',') : []))
    .filter((value) => value !== '');
}

export function textOf(req: Request, name: string): string | undefined {
  const given = req.query[name];
  return typeof given === 'string' ? given : undefined;
}

/** Errors: Refusal 400. */
export function integerOf(
  req: Request,
  name: string,
  { usual, min = 1, max = 250 }: { usual: number; min?: number; max?: number },
): number {
  const text = textOf(req, name);
  if (text === undefined) return usual;
  if (!/^-?\d{1,15}$/.test(text)) throw badParameter(name, text, 'type is integer');
  const value = Number(text);
  if (value < min || value > max) throw badParameter(name, text, `a value from ${min} to ${max}`);
  return value;
}

/** Errors: Refusal 400. */
export function flagOf(req: Request, name: string): boolean {
  const text = textOf(req, name) ?? 'false';
  if (text !== 'true' && text !== 'false') throw badParameter(name, text, 'type is boolean');
  return text === 'true';
}

/** Errors: Refusal 400 for another word than these. */
export function choiceOf<T extends string>(req: Request, name: string, choices: readonly T[]): T | undefined {
  const text = textOf(req, name);
  return text === undefined ? undefined : oneOf(name, text, choices);
}

/** The words given, else the usual ones. Errors: Refusal 400. */
export function choicesOf<T extends string>(
  req: Request,
  name: string,
  choices: readonly T[],
  usual: readonly T[] = [],
): readonly T[] {
  const values = valuesOf(req, name).map((value) => oneOf(name, value, choices));
  return values.length > 0 ? values : usual;
}

function oneOf<T extends string>(name: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw badParameter(name, value, `one of [${choices.join(', ')}]`);
  return found;
}

/** Ids are digits, however many. Errors: Refusal 400, also for more than `max`. */
export function idsOf(req: Request, name: string, max: number): string[] {
  const ids = valuesOf(req, name).map((id) => idOf(name, id));
  if (ids.length > max) throw badRequest(`At most ${max} values are allowed for '${name}'.`);
  return ids;
}

/** Errors: Refusal 400. */
export function idOf(name: string, id: string): string {
  if (!/^\d{1,19}$/.test(id)) throw badParameter(name, id, 'type is long');
  return id;
}
