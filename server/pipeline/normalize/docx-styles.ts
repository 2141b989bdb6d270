import { walkXml } from './xml.ts';
import type { Zip } from './zip.ts';

export type ParagraphStyle = {
  /** 1 to 6 for headings. */
  level?: number;
  /** The style "Title". */
  isTitle: boolean;
  isList: boolean;
};

type Raw = { name: string; basedOn?: string; outline?: number; list?: boolean };

/** What the paragraph styles mean, by style id; outline levels and lists are inherited. Source: ECMA-376 part 1, 17.7 */
export async function readStyles(
  zip: Zip,
  part: string | undefined,
): Promise<(id: string | undefined) => ParagraphStyle> {
  const raw = new Map<string, Raw>();
  let defaultId: string | undefined;
  let current: Raw | undefined;
  if (part && zip.has(part))
    await walkXml(zip, part, {
      open(tag) {
        const value = tag.attribute('val');
        if (tag.name === 'style') {
          current = undefined;
          if (tag.attribute('type') !== 'paragraph') return;
          current = { name: '' };
          const id = tag.attribute('styleId') ?? '';
          raw.set(id, current);
          if (isOn(tag.attribute('default'), false)) defaultId = id;
        } else if (!current) return;
        else if (tag.name === 'name') current.name = value ?? '';
        else if (tag.name === 'basedOn') current.basedOn = value;
        else if (tag.name === 'outlineLvl') current.outline = Number(value);
        else if (tag.name === 'numId') current.list = value !== '0';
      },
      close(name) {
        if (name === 'style') current = undefined;
      },
    });
  const known = new Map<string | undefined, ParagraphStyle>();
  return (id) => {
    let style = known.get(id);
    if (!style) known.set(id, (style = resolve(raw, id ?? defaultId)));
    return style;
  };
}

function resolve(raw: Map<string, Raw>, id: string | undefined): ParagraphStyle {
  const chain: Raw[] = [];
  for (let at = id; at !== undefined && raw.has(at) && chain.length < 20; at = raw.get(at)!.basedOn)
    chain.push(raw.get(at)!);
  const byName = chain.map(({ name }) => /^heading\s*([1-9])\b/i.exec(name)?.[1]).find((level) => level !== undefined);
  const outline = chain.find((style) => style.outline !== undefined)?.outline;
  // Level 9 is "body text", which takes an inherited level back.
  const level =
    outline !== undefined && outline < 9 ? outline + 1 : byName && outline !== 9 ? Number(byName) : undefined;
  return {
    level: level === undefined ? undefined : Math.min(6, level),
    isTitle: /^title$/i.test(chain[0]?.name ?? ''),
    isList: chain.some(({ list }) => list === true) || /^list (bullet|number|paragraph)/i.test(chain[0]?.name ?? ''),
  };
}

/** Whether an on-off property of Word is on: present without a value means yes. */
export const isOn = (value: string | undefined, absent = true): boolean =>
  value === undefined ? absent : !/^(0|false|off|none)$/i.test(value);
