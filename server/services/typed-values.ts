import type { TokenForm } from '../../providers/provider.ts';
import { parseUrl } from '../../providers/urls.ts';
import { InvalidInputError } from '../errors.ts';

const MAX_LENGTH = 4000;

/**
 * What was typed into a token form, without the white space that comes with copying. Errors: InvalidInputError with one entry for each field
 * that is empty or malformed; whether it is right is for the provider to find out.
 */
export function checkTyped(form: TokenForm, values: Record<string, string | undefined>): Record<string, string> {
  const typed = Object.fromEntries(form.fields.map(({ name }) => [name, (values[name] ?? '').trim()]));
  const errors = form.fields.flatMap((field) => {
    const message = faultOf(field, typed[field.name] ?? '');
    return message === undefined ? [] : [{ field: field.name, message }];
  });
  if (errors.length > 0) throw new InvalidInputError(errors);
  return typed;
}

/** The sentence beside a field, which never repeats what was typed. */
function faultOf({ label, kind }: TokenForm['fields'][number], value: string): string | undefined {
  if (value === '') return `Fill in “${label}”.`;
  if (value.length > MAX_LENGTH) return `“${label}” is longer than ${MAX_LENGTH} characters.`;
  if (kind === 'email' && !/^[^\s@]+@[^\s@]+$/.test(value)) return 'Enter an e-mail address such as name@example.com.';
  // People copy addresses with and without the scheme.
  if (kind === 'url' && !parseUrl(value.includes('://') ? value : `https://${value}`))
    return 'Enter the address as your browser shows it, such as https://wiki.example.com.';
  return undefined;
}
