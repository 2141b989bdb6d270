import { escapeHtml } from '../escape-html.ts';

/** Somebody who is mentioned in a body in storage format, but in no code block, which is shown as it stands. */
const MENTION = /<!\[CDATA\[[^]*?\]\]>|<ri:user\b([^<>]*?)(\/?)>/g;
/** Cloud goes by accounts, a Data Center by users' keys. */
const ID = /\sri:(?:account-id|userkey)\s*=\s*(?:"([^"]+)"|'([^']+)')/;

function idOf(attributes: string | undefined): string | undefined {
  const [, double, single] = ID.exec(attributes ?? '') ?? [];
  return double ?? single;
}

/** Ids of those whom a body mentions, once each. */
export const mentionedIn = (body: string): string[] => [
  ...new Set([...body.matchAll(MENTION)].flatMap(([, attributes]) => idOf(attributes) ?? [])),
];

/** A body whose mentions say the names of those people, in `ri:display-name`. */
export const withNames = (body: string, names: Map<string, string>): string =>
  body.replace(MENTION, (whole, attributes: string | undefined, end: string | undefined) => {
    const name = names.get(idOf(attributes) ?? '');
    if (name === undefined || attributes === undefined || /\sri:display-name\s*=/.test(attributes)) return whole;
    return `<ri:user${attributes.trimEnd()} ri:display-name="${escapeHtml(name)}"${end ?? ''}>`;
  });
